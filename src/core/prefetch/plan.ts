import type { Expert } from "../prediction/experts.ts";
import type { Prefetch } from "./prefetch.ts";

/** A prefetch that the gate let through because of what the own predictor said. */
export interface PrefetchPlan extends Prefetch {
  /** The expert that thought most of it. */
  readonly source: Expert;
}

/** What came of an event. `none` for events that read no shard; `late` when its prefetch is still under way. */
export type CacheOutcome = "hit" | "miss" | "late" | "none";

/**
 * Which part of an event an engine takes: all of it, that of the shard's owner (the cache's books), or that of the user's
 * home (learning what follows, and planning).
 */
export type EventPart = "whole" | "cache" | "mind";

/** What an event means to the host. */
export interface EngineAnswer {
  readonly outcome: CacheOutcome;
  /** The hit is the first use of a prefetched copy. */
  readonly prefetched: boolean;
  /** Prefetches to issue, the most probable first. The host has to `fill` or `prefetchFailed` each. */
  readonly plans: readonly PrefetchPlan[];
}
