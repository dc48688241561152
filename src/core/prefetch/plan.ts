import type { Expert } from "../prediction/experts.ts";
import type { EpochMillis, Millis, Probability } from "../units.ts";

/** Where a plan came from: one of the predictor's experts, or knowledge from elsewhere. */
export type Source = Expert;

/** A prefetch worth issuing now. */
export interface PrefetchPlan {
  readonly shard: string;
  readonly probability: Probability;
  /** When it will probably be asked for, from now. */
  readonly expectedDelay: Millis;
  /** Drop it if it could not be filled until then. */
  readonly expiresAt: EpochMillis;
  readonly source: Source;
  /** What it is expected to earn, and what it has to earn; in units of what one hit saves. */
  readonly worth: number;
  readonly price: number;
}

/** What came of an event. `none` for events that read no shard; `late` when its prefetch is still under way. */
export type CacheOutcome = "hit" | "miss" | "late" | "none";

/** What an event means to the host. */
export interface EngineAnswer {
  readonly outcome: CacheOutcome;
  /** The hit is the first use of a prefetched copy. */
  readonly prefetched: boolean;
  /** Prefetches to issue, the most probable first. The host has to `fill` or `fillFailed` each. */
  readonly plans: readonly PrefetchPlan[];
}
