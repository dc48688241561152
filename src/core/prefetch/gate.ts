import type { CacheDynamics } from "../cache/cache-dynamics.ts";
import type { LearnedCache } from "../cache/learned.ts";
import { BoundedMap } from "../collections/bounded-map.ts";
import type { ShardEvent } from "../event.ts";
import { ABSENT, ELSEWHERE, IN_FLIGHT, RESIDENT, type ShardTable, UNUSED } from "../learning/shard-table.ts";
import type { Predictor } from "../prediction/predictor.ts";
import { epochMillis, millis, probability } from "../units.ts";
import { DISTANT } from "./distant.ts";
import type { PrefetchPlan } from "./plan.ts";
import type { Prefetch } from "./prefetch.ts";
import type { PrefetchHistory, PrefetchOutcome } from "./prefetch-history.ts";
import type { PrefetchPricing } from "./prefetch-pricing.ts";

/** Prefetched copies nobody has asked for take at most this share of the cache. */
const MAX_HELD = 0.5;
/** What others propose may fill it to this share only: it is held for longer, and the own predictor's must find room. */
const MAX_HELD_FOR_OTHERS = 0.25;
/** A prefetch not heard of for this many horizons may be planned again. */
const LOST_AFTER = 8;
/** Prefetches under way that are kept track of; a host that never tells what became of them must not fill the memory. */
const MAX_IN_FLIGHT = 4_096;
/** What is far beyond the horizon is fetched ahead only where its relation makes it more likely than not. */
const MIN_DIRECT = 0.5;
/** The delay by which a prefetch is dropped: all but the last twentieth have been asked for by then. */
const EXPIRY = 0.95;
const NO_PLANS: readonly PrefetchPlan[] = [];

/** Why nothing may be fetched ahead at present, whatever it would earn. */
export type Refusal = "control" | "paused";

/** What a {@link PrefetchGate} decides by. */
export interface GateDeps {
  readonly shards: ShardTable;
  readonly predictor: Predictor;
  readonly cache: LearnedCache;
  readonly pricing: PrefetchPricing;
  readonly dynamics: CacheDynamics;
  readonly history: PrefetchHistory;
  /** Whether fetching `shard` is known to be vain: it does not exist, or is too large to be held. */
  readonly isVain: (shard: string) => boolean;
  /** Whether another cache is there for `shard`: its gate decides in the end. */
  readonly isElsewhere: (shard: string) => boolean;
  /** Whether the host has a copy of `shard` at hand, out of memory: no read of the storage then. */
  readonly isAtHand: (shard: string) => boolean;
}

interface Issued {
  /** ms since the epoch. */
  readonly at: number;
  /** Ticks the copy is held for if nobody asks for it. */
  readonly hold: number;
}

/**
 * The one place where a prefetch is let through or refused, whoever proposes it: the own predictor (`plan`) or others
 * (`consider`). By one rule: it must be away, worth its price by a probability corrected for what such proposals came
 * to, and there must be room and budget. Keeps track of those under way. O(candidates) per event.
 */
export class PrefetchGate {
  readonly #deps: GateDeps;
  /** Prefetches under way by handle, oldest first. */
  readonly #issued = new BoundedMap<number, Issued>(MAX_IN_FLIGHT, (handle) => this.overtaken(handle));
  /** Shards whose prefetch was put off, and when they are to be asked for, ms since the epoch. */
  readonly #postponed = new BoundedMap<string, number>(MAX_IN_FLIGHT);

  constructor(deps: GateDeps) {
    this.#deps = deps;
  }

  /**
   * What a prefetch of a shard of usual size has to earn at present, when it is held for `hold` ticks if unused and fetching
   * it costs `read`.
   */
  price(hold = this.#deps.cache.holdTicks, read = this.#deps.pricing.settings.cost): number {
    const { cache, pricing, dynamics } = this.#deps;
    return pricing.price(read, {
      victimWorth: cache.full ? cache.victimWorth * dynamics.meanSize : 0,
      holdShare: hold / cache.turnover,
    });
  }

  /** What to prefetch after `event` at `tick`, which read `current`. With a `refusal` it is only noted. */
  plan(current: number, tick: number, event: ShardEvent, refusal: Refusal | null): readonly PrefetchPlan[] {
    const { pricing, predictor } = this.#deps;
    const { candidates } = predictor;
    const price = this.price();
    let plans: PrefetchPlan[] | undefined;
    for (let i = 0; i < candidates.count; i++) {
      const handle = candidates.handles[i] as number;
      const far = this.#farDelay(i);
      const p = far > 0 ? predictor.direct(i) : (predictor.probability[i] as number);
      if (handle === current || !pricing.worthwhile(p, price, "predicted")) continue;
      if (!this.#isAway(handle, tick)) continue;
      const isTime =
        far > 0 ? !this.#isPutOff(handle, event.time) : pricing.isUrgent(p, predictor.urgency(i));
      if (!isTime) continue;
      const isElsewhere = this.#deps.isElsewhere(this.#deps.shards.ids[handle] as string);
      if (!isElsewhere && !this.#hasRoom(plans?.length ?? 0, MAX_HELD)) break;
      const plan = this.#planOf(i, p, far, event);
      this.#note(plan, price, event.time, refusal ?? "pending", event, plan.source);
      if (refusal !== null) continue;
      if (isElsewhere) this.#propose(handle, tick);
      else this.#issue(handle, plan, this.#deps.cache.holdTicks, tick, event.time);
      if (plans === undefined) plans = [];
      plans.push(plan);
      if (plans.length === pricing.settings.maxPerEvent) break;
    }
    pricing.account(plans?.length ?? 0);
    if (plans === undefined) return NO_PLANS;
    return plans.sort((a, b) => b.probability - a.probability);
  }

  /** Which of these proposals of others to fetch, the likeliest first. */
  consider(
    proposals: readonly Prefetch[],
    tick: number,
    now: number,
    refusal: Refusal | null,
  ): readonly Prefetch[] {
    const { shards, pricing, cache } = this.#deps;
    const accepted: Prefetch[] = [];
    for (const proposal of [...proposals].sort((a, b) => b.probability - a.probability)) {
      const isPredicted = proposal.reason === "predicted" || proposal.reason === "neighbour";
      const { hold, ticks } = isPredicted ? this.#shortHoldOf(proposal, now) : this.#holdOf(proposal, now);
      // What is at hand costs no read, only the place it takes.
      const price = this.price(hold, this.#deps.isAtHand(proposal.shard) ? 0 : pricing.settings.cost);
      const known = shards.find(proposal.shard);
      if (!this.#isProposable(proposal.shard, known, tick)) continue;
      // Where room is short, only that part of the time it is wanted in counts that it stays.
      const p =
        cache.full && hold < ticks ? 1 - (1 - proposal.probability) ** (hold / ticks) : proposal.probability;
      const isWorth = pricing.worthwhile(p, price, proposal.reason);
      const hasRoom = this.#hasRoom(accepted.length, isPredicted ? MAX_HELD : MAX_HELD_FOR_OTHERS);
      const verdict = refusal ?? (!isWorth ? "not worth the price" : hasRoom ? "pending" : "no room");
      this.#note(proposal, price, now, verdict);
      if (verdict !== "pending") continue;
      const issued = { ...proposal, probability: probability(p) };
      this.#issue(shards.intern(proposal.shard), issued, Math.max(hold, cache.holdTicks), tick, now);
      accepted.push(proposal);
    }
    pricing.account(accepted.length);
    return accepted;
  }

  /** What `plan` let through is due later: it is not put off twice, and considered anew when it is proposed then. */
  postpone({ shard, arrival, probability: p, reason }: Prefetch): void {
    const handle = this.#deps.shards.find(shard);
    // What is only proposed to another cache was not recorded here.
    if (this.#issued.has(handle)) this.#deps.pricing.withdraw(p, reason);
    this.failed(handle);
    this.#postponed.set(shard, arrival);
  }

  /** A prefetch has arrived at `now`; returns how many ticks its copy is to be held. */
  landed(handle: number, now: number): number {
    const issued = this.#issued.get(handle);
    if (issued !== undefined) this.#deps.dynamics.countFill(millis(now - issued.at));
    this.failed(handle);
    return issued?.hold ?? this.#deps.cache.holdTicks;
  }

  /** A prefetch came to nothing. */
  failed(handle: number): void {
    this.#issued.delete(handle);
    this.overtaken(handle);
  }

  /** Somebody came for it before it arrived: the copy will be theirs. What it takes is still worth knowing. */
  overtaken(handle: number): void {
    const { state } = this.#deps.shards;
    if (state[handle] === IN_FLIGHT) state[handle] = ABSENT;
  }

  /** The copy of `shard` that a prefetch brought was asked for. */
  used(shard: string): void {
    const { history, pricing } = this.#deps;
    pricing.recordUsed(history.of(shard)?.reason ?? "predicted");
    history.settle(shard, "held", "used");
  }

  /** Room for one more besides the `issued` ones, which count before they arrive. */
  #hasRoom(issued: number, share: number): boolean {
    const { cache, pricing, dynamics } = this.#deps;
    const room = cache.capacity * share - cache.held;
    return issued * dynamics.meanSize < room && pricing.affordable(issued);
  }

  /** Whether there is anything to fetch. A held copy that is still worth its place is held longer instead. */
  #isAway(handle: number, tick: number): boolean {
    const { shards, cache } = this.#deps;
    const state = shards.state[handle];
    if (state === RESIDENT) {
      if (shards.origin[handle] === UNUSED)
        shards.heldUntil[handle] = Math.max(shards.heldUntil[handle] as number, tick + cache.holdTicks);
      return false;
    }
    const isComing = state === IN_FLIGHT || state === ELSEWHERE;
    if (isComing && (shards.heldUntil[handle] as number) >= tick) return false;
    return !this.#deps.isVain(shards.ids[handle] as string);
  }

  #isPutOff(handle: number, now: number): boolean {
    return (this.#postponed.get(this.#deps.shards.ids[handle] as string) ?? 0) > now;
  }

  #isProposable(shard: string, handle: number, tick: number): boolean {
    return handle === 0 ? !this.#deps.isVain(shard) : this.#isAway(handle, tick);
  }

  /** The ticks until a proposal expires, and how many of them its copy would take a place: at most one turnover. */
  #holdOf({ expires }: Prefetch, now: number): { readonly hold: number; readonly ticks: number } {
    const { cache, dynamics } = this.#deps;
    const ticks = dynamics.tickMs > 0 ? Math.max(0, expires - now) / dynamics.tickMs : cache.holdTicks;
    return { hold: Math.ceil(Math.min(cache.turnover, ticks)), ticks };
  }

  /** What a predictor proposes, another's or the own one's put off: held for the horizon, and twice as long as it takes to come. */
  #shortHoldOf({ arrival }: Prefetch, now: number): { readonly hold: number; readonly ticks: number } {
    const { cache, dynamics } = this.#deps;
    const ticks = dynamics.tickMs > 0 ? (2 * Math.max(0, arrival - now)) / dynamics.tickMs : 0;
    const hold = Math.ceil(Math.min(cache.turnover, Math.max(cache.holdTicks, ticks)));
    return { hold, ticks: hold };
  }

  /** It is proposed to whose shard it is, which will have it then, or a reason not to. */
  #propose(handle: number, tick: number): void {
    const { shards, cache } = this.#deps;
    shards.state[handle] = ELSEWHERE;
    shards.heldUntil[handle] = tick + cache.holdTicks * LOST_AFTER;
  }

  #issue(
    handle: number,
    { probability: p, reason }: Prefetch,
    hold: number,
    tick: number,
    now: number,
  ): void {
    const { shards, cache, pricing } = this.#deps;
    shards.state[handle] = IN_FLIGHT;
    shards.heldUntil[handle] = tick + Math.max(hold, cache.holdTicks * LOST_AFTER);
    this.#issued.set(handle, { at: now, hold });
    pricing.recordIssued(p, reason);
  }

  /** How soon candidate `index` comes, ms, where that is far beyond the horizon and all but certain; else 0. */
  #farDelay(index: number): number {
    const { predictor } = this.#deps;
    const delay = predictor.direct(index) > MIN_DIRECT ? predictor.delay(index) : undefined;
    return delay !== undefined && delay > DISTANT ? delay : 0;
  }

  /**
   * What is not `far` is near, whatever its relation says: within the horizon. Where a relation does not tell its own
   * delay, what the predictions of this partition usually take stands in.
   */
  #planOf(index: number, p: number, far: number, { time }: ShardEvent): PrefetchPlan {
    const { shards, predictor, cache, dynamics } = this.#deps;
    const hold = millis(cache.holdTicks * dynamics.tickMs);
    const { arrival } = predictor;
    const wait = far || Math.min(DISTANT, predictor.delay(index) ?? arrival.quantile(0.5, hold));
    return {
      shard: shards.ids[predictor.candidates.handles[index] as number] as string,
      probability: probability(p),
      arrival: epochMillis(time + wait),
      expires: epochMillis(time + Math.max(arrival.quantile(EXPIRY, hold), 2 * wait)),
      reason: "predicted",
      source: predictor.bestExpert(index),
    };
  }

  #note(
    { shard, reason, cause, arrival, probability: p }: Prefetch,
    price: number,
    at: number,
    outcome: PrefetchOutcome,
    event?: ShardEvent,
    expert?: PrefetchPlan["source"],
  ): void {
    this.#deps.history.note(shard, {
      at: epochMillis(at),
      reason,
      ...(cause !== undefined && { cause }),
      ...(event !== undefined && { event: event.type }),
      ...(event?.shard !== undefined && { after: event.shard }),
      ...(expert !== undefined && { expert }),
      probability: p,
      arrival,
      price,
      outcome,
    });
  }
}
