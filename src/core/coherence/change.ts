import { CLOCK_TOLERANCE } from "./lease.ts";

/** A version of a shard, or its absence after a delete, as a write announces it. */
export interface Change {
  readonly shard: string;
  /** The new version's ETag; absent for a delete. */
  readonly etag?: string | undefined;
  /** Names the write; absent for a delete, and where whoever announces it does not know. */
  readonly version?: string | undefined;
  /** When the storage took it, ms since the epoch. */
  readonly uploaded: number;
}

/** A piece of the change log: all changes numbered above `after`, up to `upTo`, in their order. */
export interface LoggedChanges {
  readonly after: number;
  readonly upTo: number;
  readonly changes: readonly Change[];
}

/**
 * Whether a copy may be out of date once `change` is known: it is neither that version nor surely a later one. The
 * storage's dates come from many machines, so of two versions with almost the same date either may be the later. The
 * same bytes stored again keep their ETag, but may have other headers: only its version names a write.
 */
export function outdates(
  change: Change,
  copy: { readonly version: string; readonly uploaded: number },
): boolean {
  if (change.etag === undefined) return true;
  if (change.version !== undefined && change.version === copy.version) return false;
  return copy.uploaded <= change.uploaded + CLOCK_TOLERANCE;
}
