import { BoundedMap } from "../collections/bounded-map.ts";
import type { Expert } from "../prediction/experts.ts";
import type { EpochMillis, Probability } from "../units.ts";
import type { PrefetchReason } from "./prefetch.ts";

/** Decisions remembered: enough to explain what is in a cache and what lately was. */
const REMEMBERED = 2_000;

/** What became of a prefetch. */
export type PrefetchOutcome =
  /** Waiting for its turn or on its way. */
  | "pending"
  /** Here, and nobody has asked for it yet. */
  | "held"
  | "used"
  /** Somebody asked for it before it was here. */
  | "late"
  /** Evicted before anybody asked for it. */
  | "unused"
  | "failed"
  /** Refused: its reader belongs to the control arm. */
  | "control"
  /** Refused: prefetching is paused because it did not pay. */
  | "paused"
  /** Refused: it would not have earned its price. */
  | "not worth the price"
  /** Refused: copies nobody has asked for yet take enough of the cache. */
  | "no room";

/** A prefetch that was decided on. */
export interface PrefetchDecision {
  readonly at: EpochMillis;
  readonly reason: PrefetchReason;
  /** Why whoever proposed it did, where a scan said so. */
  readonly cause?: string;
  /** Type of the event that led to it, and the shard that was read, where an event did. */
  readonly event?: string;
  readonly after?: string;
  /** The expert that thought most of it, where the own predictor proposed it. */
  readonly expert?: Expert;
  readonly probability: Probability;
  /** When its request was expected. */
  readonly arrival: EpochMillis;
  /** What it had to earn, in units of what one hit saves. */
  readonly price: number;
  outcome: PrefetchOutcome;
}

/** The latest decision about each of the last shards there was one for. O(1). */
export class PrefetchHistory {
  readonly #decisions = new BoundedMap<string, PrefetchDecision>(REMEMBERED);

  note(shard: string, decision: PrefetchDecision): void {
    this.#decisions.set(shard, decision);
  }

  /** What became of the prefetch of `shard`, if one is remembered whose outcome was `from` so far. */
  settle(shard: string, from: PrefetchOutcome, outcome: PrefetchOutcome): void {
    const decision = this.#decisions.get(shard);
    if (decision?.outcome === from) decision.outcome = outcome;
  }

  of(shard: string): PrefetchDecision | undefined {
    return this.#decisions.get(shard);
  }
}
