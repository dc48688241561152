import type { PrefetchPlan, Source } from "../prefetch/plan.ts";
import type { EpochMillis, Probability } from "../units.ts";

/** Decisions remembered: enough to explain what is in a cache and what lately was. */
const REMEMBERED = 1_024;

/** What became of a prefetch. */
export type Fate = "pending" | "held" | "used" | "late" | "unused" | "failed";

/** A prefetch that was decided on. */
export interface Decision {
  /** Event type and shard that made it look worthwhile. */
  readonly eventType: string;
  readonly after: string;
  readonly time: EpochMillis;
  readonly source: Source;
  readonly probability: Probability;
  readonly price: number;
  fate: Fate;
}

/** The latest prefetch decision for each of the last shards there was one for. O(1). */
export class Decisions {
  readonly #decisions = new Map<string, Decision>();

  /** `plan` was made because of the event. */
  note(plan: PrefetchPlan, eventType: string, after: string, time: EpochMillis): void {
    const { shard, source, probability, price } = plan;
    this.#decisions.delete(shard);
    this.#decisions.set(shard, { eventType, after, time, source, probability, price, fate: "pending" });
    if (this.#decisions.size <= REMEMBERED) return;
    for (const oldest of this.#decisions.keys()) {
      this.#decisions.delete(oldest);
      return;
    }
  }

  /** What became of the prefetch of `shard`, if one is remembered whose fate is `from`. */
  settle(shard: string, from: Fate, fate: Fate): void {
    const decision = this.#decisions.get(shard);
    if (decision !== undefined && decision.fate === from) decision.fate = fate;
  }

  get(shard: string): Decision | undefined {
    return this.#decisions.get(shard);
  }
}
