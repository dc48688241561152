import type { Admission } from "../src/core/cache/admission.ts";
import type { Bytes, EpochMillis } from "../src/core/units.ts";

/**
 * Decides which shards stay in a cache of bounded size. A policy holds ids and sizes, never bytes.
 *
 * Every implementation passes `test/contracts/cache-policy.ts`.
 */
export interface CachePolicy {
  readonly name: string;
  readonly capacity: Bytes;
  /** Sum of the sizes of the residents, an empty shard counting one byte; never above `capacity`. */
  readonly used: Bytes;
  /** Number of residents. */
  readonly count: number;

  /** Whether `id` is resident. Changes nothing. */
  has(id: string): boolean;
  /** One demand access: true, and the hit is remembered, when `id` is resident; false when it is not. */
  access(id: string): boolean;
  /** Tells the policy the time, which only the expiry of prefetched copies depends on. It never goes back. */
  advance(now: EpochMillis): void;
  /**
   * Admits `id` after a demand miss. A resident `id` is resized, which may evict others or itself. A shard above
   * the capacity is refused; if it was resident, it goes.
   */
  admit(id: string, size: Bytes): Admission;
  /**
   * Admits a prefetched copy *quietly*: the fill is no access. A copy not accessed by `expiresAt` is the first
   * to go, leaves no ghost, and never counts as evidence that the shard was wanted. Its first access does what
   * the admission would have done without the prefetch. A resident `id` is resized, and expires then if unused.
   */
  admitPrefetched(id: string, size: Bytes, expiresAt: EpochMillis, now: EpochMillis): Admission;
  /** Forgets `id` (invalidated, deleted). True when it was resident. */
  remove(id: string): boolean;
  /** Changes the capacity; returns the ids evicted to fit. */
  resize(capacity: Bytes): readonly string[];
}
