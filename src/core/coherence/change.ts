import { CLOCK_TOLERANCE } from "./lease.ts";

/** A version of a shard, or its absence after a delete, as a write announces it. */
export interface Change {
  readonly shard: string;
  /** The new version's ETag; absent for a delete. */
  readonly etag?: string | undefined;
  /** When the storage took it, ms since the epoch. */
  readonly uploaded: number;
}

/**
 * Whether a copy may be out of date once `change` is known: it is neither that version nor surely a later one. The
 * storage's dates come from many machines, so of two versions with almost the same date either may be the later. The
 * same bytes stored again keep their ETag, but may have other headers.
 */
export function outdates(
  change: Change,
  copy: { readonly etag: string; readonly uploaded: number },
): boolean {
  if (change.etag === undefined) return true;
  if (copy.etag === change.etag) return copy.uploaded < change.uploaded;
  return copy.uploaded <= change.uploaded + CLOCK_TOLERANCE;
}
