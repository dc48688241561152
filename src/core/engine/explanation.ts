import type { EpochMillis, Probability } from "../units.ts";

/** Why a shard is here, or is not. */
export type Verdict =
  /** Asked for, and worth its place since. */
  | "resident after demand"
  /** Prefetched, and asked for since. */
  | "resident, prefetched and used"
  /** Prefetched, and nobody has asked for it yet. */
  | "resident, prefetched and not used yet"
  | "prefetch under way"
  /** Its latest probability does not cover the price. */
  | "not worth the price"
  /** It was here, but something else was worth more. */
  | "evicted"
  /** A guess that turned out wrong, or nothing a cache can hold. */
  | "does not exist, or is too large"
  | "never heard of";

/** All that the engine can tell about one shard. */
export interface Explanation {
  readonly shard: string;
  readonly verdict: Verdict;
  /** Demands seen, and when the last was. */
  readonly demands: number;
  readonly lastDemand: EpochMillis | undefined;
  /** Latest probability that it would be wanted within the horizon, and how many events ago it was said. */
  readonly probability: Probability;
  readonly saidEventsAgo: number | undefined;
  /** What a prefetch has to earn at present, in units of what one hit saves. */
  readonly price: number;
  /** Probability that it is wanted before the cache has turned over a third: its worth when it comes to eviction. */
  readonly keepWorth: Probability;
}
