/**
 * How the edge Worker asks a partition for a shard: a request built from validated parts, never a forwarded one.
 * The partition's `fetch` is reachable only through the binding, so these headers cannot come from outside.
 */

import { isRegion, type Region } from "../core/placement/regions.ts";

/** The conditional headers of a request, as they came. */
export interface Conditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
  readonly ifUnmodifiedSince?: string | undefined;
}

/** A read, as the edge asks a partition for it. */
export interface ReadRequest {
  readonly id: string;
  readonly method: "GET" | "HEAD";
  readonly user: string;
  readonly eventType: string;
  readonly dataType?: string | undefined;
  readonly region: Region;
  /** The request's `Range` and `If-Range`, if any. */
  readonly range?: string | undefined;
  readonly ifRange?: string | undefined;
  readonly conditions: Conditions;
  /** The reader asked for the storage's own answer (`Cache-Control: no-cache`). */
  readonly bypass: boolean;
}

/** Carries a stored Content-Encoding past the runtime, which would otherwise decode the body on the way. */
export const INTERNAL_ENCODING_HEADER = "Foreshard-Content-Encoding";

/** A partition's answer that it does not read this shard now: the edge reads it from R2. Its value says why. */
export const READ_DIRECTLY_HEADER = "Foreshard-Read-Directly";

/** Names the versions of topology and settings that the edge knows. */
const KNOWN_HEADER = "F-Known";

/** A partition's newer topology and settings, on its way to the edge. */
export const ROUTING_STATE_HEADER = "Foreshard-Routing-State";

const HEADERS = {
  user: "F-User",
  eventType: "F-Event",
  dataType: "F-Data-Type",
  region: "F-Region",
  range: "Range",
  ifRange: "If-Range",
  bypass: "F-Bypass",
  ifMatch: "If-Match",
  ifNoneMatch: "If-None-Match",
  ifModifiedSince: "If-Modified-Since",
  ifUnmodifiedSince: "If-Unmodified-Since",
} as const;

/**
 * The request for {@link parseReadRequest}. Users, types and ids travel percent-encoded: headers are not UTF-8.
 * @param known the versions of topology and settings that the edge knows; without, it is not told of newer ones.
 */
export function buildReadRequest(read: ReadRequest, known?: string): Request {
  const headers = new Headers();
  if (known !== undefined) headers.set(KNOWN_HEADER, known);
  headers.set(HEADERS.user, encodeURIComponent(read.user));
  headers.set(HEADERS.eventType, encodeURIComponent(read.eventType));
  headers.set(HEADERS.region, read.region);
  if (read.dataType !== undefined) headers.set(HEADERS.dataType, encodeURIComponent(read.dataType));
  if (read.range !== undefined) headers.set(HEADERS.range, read.range);
  if (read.ifRange !== undefined) headers.set(HEADERS.ifRange, read.ifRange);
  if (read.bypass) headers.set(HEADERS.bypass, "1");
  for (const name of CONDITION_NAMES) {
    const value = read.conditions[name];
    if (value !== undefined) headers.set(HEADERS[name], value);
  }
  return new Request(`https://partition/?${encodeURIComponent(read.id)}`, { method: read.method, headers });
}

const CONDITION_NAMES = ["ifMatch", "ifNoneMatch", "ifModifiedSince", "ifUnmodifiedSince"] as const;

/** The versions that the edge knows; null when it did not say. */
export const knownVersions = (request: Request): string | null => request.headers.get(KNOWN_HEADER);

/** Reads a request of {@link buildReadRequest} back; null when it is none. */
export function parseReadRequest(request: Request): ReadRequest | null {
  const get = (name: keyof typeof HEADERS): string | undefined =>
    request.headers.get(HEADERS[name]) ?? undefined;
  const [, id] = request.url.split("?", 2);
  const region = get("region") ?? "";
  if (id === undefined || !isRegion(region)) return null;
  const dataType = get("dataType");
  return {
    id: decodeURIComponent(id),
    method: request.method === "HEAD" ? "HEAD" : "GET",
    user: decodeURIComponent(get("user") ?? ""),
    eventType: decodeURIComponent(get("eventType") ?? "read"),
    dataType: dataType === undefined ? undefined : decodeURIComponent(dataType),
    region,
    range: get("range"),
    ifRange: get("ifRange"),
    bypass: get("bypass") !== undefined,
    conditions: {
      ifMatch: get("ifMatch"),
      ifNoneMatch: get("ifNoneMatch"),
      ifModifiedSince: get("ifModifiedSince"),
      ifUnmodifiedSince: get("ifUnmodifiedSince"),
    },
  };
}
