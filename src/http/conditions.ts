import type { Conditions } from "../contract/partition-protocol.ts";
import { parseHttpDate, wholeSeconds } from "./http-date.ts";

/** What a representation is compared by. Times in ms since the epoch. */
export interface Validators {
  /** Strong entity tag with its quotes. */
  readonly etag: string;
  readonly uploaded: number;
}

/**
 * For this long after its upload another version may still get the date of this one, ms: dates have whole seconds,
 * and the clocks of the storage's machines, which date uploads, may differ from ours by a few of them.
 */
const YOUNG_FOR = 5_000;

const isYoung = (uploaded: number, knownAt: number): boolean => knownAt < uploaded + YOUNG_FOR;

/**
 * The Last-Modified of a shard that was the current version at `knownAt`: never a date that a later version could have
 * too, so that a date tells versions apart (RFC 9110 §8.8.2.2). A young shard's is the second before.
 */
export function lastModified(uploaded: number, knownAt: number): string {
  const second = wholeSeconds(uploaded) - (isYoung(uploaded, knownAt) ? 1 : 0);
  return new Date(second * 1_000).toUTCString();
}

/**
 * Evaluates a GET's or HEAD's conditions in the order RFC 9110 §13.2.2 gives. `knownAt` is when the storage last said
 * that this is the current version. O(length of the headers).
 */
export function evaluate(
  conditions: Conditions,
  current: Validators,
  knownAt: number,
): "proceed" | "not-modified" | "failed" {
  if (conditions.ifMatch !== undefined) {
    if (!matches(conditions.ifMatch, current.etag, "strong")) return "failed";
  } else if (unmodifiedSince(conditions.ifUnmodifiedSince, current, knownAt) === false) return "failed";
  if (conditions.ifNoneMatch !== undefined)
    return matches(conditions.ifNoneMatch, current.etag, "weak") ? "not-modified" : "proceed";
  return unmodifiedSince(conditions.ifModifiedSince, current, knownAt) === true ? "not-modified" : "proceed";
}

/**
 * Whether a range may be served under this `If-Range` (RFC 9110 §13.1.5): for the exact ETag, or the exact date once
 * no other version can have it.
 */
export function rangeStillValid(ifRange: string | undefined, current: Validators, knownAt: number): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === current.etag;
  return parseHttpDate(ifRange) === wholeSeconds(current.uploaded) && !isYoung(current.uploaded, knownAt);
}

/**
 * Whether the shard has not changed since a date; null where there is none. A young shard's own second proves
 * nothing: there may have been another version in it.
 */
function unmodifiedSince(
  header: string | undefined,
  { uploaded }: Validators,
  knownAt: number,
): boolean | null {
  const date = header === undefined ? null : parseHttpDate(header);
  if (date === null) return null;
  const second = wholeSeconds(uploaded);
  return second < date || (second === date && !isYoung(uploaded, knownAt));
}

/** Whether a list of entity tags (or `*`) contains `etag`. */
function matches(list: string, etag: string, comparison: "strong" | "weak"): boolean {
  if (list.trim() === "*") return true;
  const tags = list.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag === etag || (comparison === "weak" && tag === `W/${etag}`));
}
