import type { Conditions } from "../contract/partition-protocol.ts";

/** What a representation is compared by. */
export interface Validators {
  /** Strong entity tag with its quotes. */
  readonly etag: string;
  /** ms since the epoch. */
  readonly uploaded: number;
}

/** Evaluates a GET's or HEAD's conditions in the order RFC 9110 §13.2.2 gives. O(length of the headers). */
export function evaluate(conditions: Conditions, current: Validators): "proceed" | "not-modified" | "failed" {
  if (conditions.ifMatch !== undefined) {
    if (!matches(conditions.ifMatch, current.etag, "strong")) return "failed";
  } else if (conditions.ifUnmodifiedSince !== undefined) {
    const limit = Date.parse(conditions.ifUnmodifiedSince);
    if (!Number.isNaN(limit) && seconds(current.uploaded) > seconds(limit)) return "failed";
  }
  if (conditions.ifNoneMatch !== undefined)
    return matches(conditions.ifNoneMatch, current.etag, "weak") ? "not-modified" : "proceed";
  if (conditions.ifModifiedSince !== undefined) {
    const since = Date.parse(conditions.ifModifiedSince);
    if (!Number.isNaN(since) && seconds(current.uploaded) <= seconds(since)) return "not-modified";
  }
  return "proceed";
}

/** Whether a range may be served under this `If-Range` (RFC 9110 §13.1.5): an exact ETag or date. */
export function rangeStillValid(ifRange: string | undefined, current: Validators): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === current.etag;
  if (ifRange.startsWith("W/")) return false;
  return seconds(Date.parse(ifRange)) === seconds(current.uploaded);
}

/** Whether a list of entity tags (or `*`) contains `etag`. */
function matches(list: string, etag: string, comparison: "strong" | "weak"): boolean {
  if (list.trim() === "*") return true;
  const tags = list.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag === etag || (comparison === "weak" && tag === `W/${etag}`));
}

/** HTTP dates have whole seconds. */
const seconds = (time: number): number => Math.floor(time / 1_000);
