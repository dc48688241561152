import type { CacheDynamics } from "../cache/cache-dynamics.ts";
import type { LearnedCache } from "../cache/learned.ts";
import { ABSENT, IN_FLIGHT, MISSING, RESIDENT, type ShardTable, UNUSED } from "../learning/shard-table.ts";
import type { Predictor } from "../prediction/predictor.ts";
import { epochMillis, millis, probability } from "../units.ts";
import type { PrefetchPlan } from "./plan.ts";
import type { PrefetchPricing } from "./prefetch-pricing.ts";

/** Prefetched copies nobody has asked for take at most this share of the cache. */
const MAX_HELD = 0.5;
/** A prefetch not heard of for this many horizons may be planned again. */
const LOST_AFTER = 8;
/** Prefetches under way that are kept track of; a host that never tells what became of them must not fill the memory. */
const MAX_UNDER_WAY = 4_096;
/** The delay by which a prefetch is dropped: all but the last twentieth have been asked for by then. */
const EXPIRY = 0.95;
const NO_PLANS: readonly PrefetchPlan[] = [];

/** What a {@link Planner} decides by. */
export interface PlannerParts {
  readonly shards: ShardTable;
  readonly predictor: Predictor;
  readonly cache: LearnedCache;
  readonly economics: PrefetchPricing;
  readonly pace: CacheDynamics;
}

/**
 * Turns the predictor's candidates into prefetches that are worth their price, and keeps track of those under way.
 * O(candidates) per event.
 */
export class Planner {
  readonly #parts: PlannerParts;
  /** When prefetches under way were issued, by handle, oldest first. */
  readonly #issuedAt = new Map<number, number>();

  constructor(parts: PlannerParts) {
    this.#parts = parts;
  }

  /** What a prefetch of a shard of usual size has to earn at present. */
  price(): number {
    const { cache, economics, pace } = this.#parts;
    return economics.price({
      victimWorth: cache.full ? cache.victimWorth * pace.meanSize : 0,
      holdShare: cache.holdTicks / cache.turnover,
    });
  }

  /** What to prefetch after the event at `tick` that read `current`. */
  plan(current: number, tick: number, time: number): readonly PrefetchPlan[] {
    const { economics, cache, pace, predictor } = this.#parts;
    const { candidates } = predictor;
    const price = this.price();
    const room = cache.capacity * MAX_HELD - cache.held;
    let plans: PrefetchPlan[] | undefined;
    for (let i = 0; i < candidates.count; i++) {
      const handle = candidates.handles[i] as number;
      const p = predictor.probability[i] as number;
      if (handle === current || !economics.worthwhile(p, price) || !this.#isAway(handle, tick)) continue;
      if (!economics.isUrgent(p, predictor.urgency(i))) continue;
      const issued = plans?.length ?? 0;
      if (issued * pace.meanSize >= room || !economics.affordable(issued)) break;
      if (plans === undefined) plans = [];
      plans.push(this.#issue(i, handle, price, tick, time));
      if (plans.length === economics.settings.maxPerEvent) break;
    }
    economics.account(plans?.length ?? 0);
    if (plans === undefined) return NO_PLANS;
    return plans.sort((a, b) => b.probability - a.probability);
  }

  /** A prefetch has arrived at `now`, whether or not somebody came for it before. */
  landed(handle: number, now: number): void {
    const issued = this.#issuedAt.get(handle);
    if (issued !== undefined) this.#parts.pace.countFill(millis(now - issued));
    this.failed(handle);
  }

  /** A prefetch came to nothing. */
  failed(handle: number): void {
    this.#issuedAt.delete(handle);
    this.overtaken(handle);
  }

  /** Somebody came for it before it arrived: the copy will be theirs. What it takes is still worth knowing. */
  overtaken(handle: number): void {
    const { state } = this.#parts.shards;
    if (state[handle] === IN_FLIGHT) state[handle] = ABSENT;
  }

  /** Whether there is anything to fetch. A held copy that is still worth its place is held longer instead. */
  #isAway(handle: number, tick: number): boolean {
    const { shards, cache } = this.#parts;
    const state = shards.state[handle];
    if (state === RESIDENT) {
      if (shards.origin[handle] === UNUSED) shards.heldUntil[handle] = tick + cache.holdTicks;
      return false;
    }
    if (state === MISSING) return false;
    return state !== IN_FLIGHT || (shards.heldUntil[handle] as number) < tick;
  }

  #issue(index: number, handle: number, price: number, tick: number, time: number): PrefetchPlan {
    const { shards, predictor, cache, pace } = this.#parts;
    shards.state[handle] = IN_FLIGHT;
    shards.heldUntil[handle] = tick + cache.holdTicks * LOST_AFTER;
    this.#issuedAt.delete(handle);
    this.#issuedAt.set(handle, time);
    if (this.#issuedAt.size > MAX_UNDER_WAY) this.#loseOldest();
    const p = predictor.probability[index] as number;
    this.#parts.economics.recordIssued(p);
    const hold = millis(cache.holdTicks * pace.tickMs);
    return {
      shard: shards.ids[handle] as string,
      probability: probability(p),
      expectedDelay: predictor.arrival.quantile(0.5, hold),
      expiresAt: epochMillis(time + predictor.arrival.quantile(EXPIRY, hold)),
      source: predictor.bestExpert(index),
      worth: p,
      price,
    };
  }

  #loseOldest(): void {
    for (const handle of this.#issuedAt.keys()) {
      this.failed(handle);
      return;
    }
  }
}
