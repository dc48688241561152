import { LearnedCache } from "../cache/learned.ts";
import type { Admission } from "../cache/policy.ts";
import { ReuseLearner } from "../cache/reuse-learner.ts";
import type { ShardEvent } from "../event.ts";
import { Predictor } from "../prediction/predictor.ts";
import { ABSENT, EVENT, IN_FLIGHT, RESIDENT, ShardTable, UNUSED } from "../prediction/shard-table.ts";
import { Economics } from "../prefetch/economics.ts";
import { SeededRandom } from "../random.ts";
import { type Bytes, type EpochMillis, epochMillis, type Millis, millis, probability } from "../units.ts";
import { Pace } from "./pace.ts";
import { DEFAULT_SETTINGS, type EngineSettings } from "./settings.ts";
import type { EngineAnswer, PrefetchPlan, ReadOutcome } from "./types.ts";

/** Share of the model's bytes for the shard table; the successor tables take most of the rest. */
const TABLE_SHARE = 0.45;
/** Rows of the successor tables per byte of the model, before rounding down to a power of two. */
const ROWS_PER_BYTE = 1 / 500;
const USERS_PER_BYTE = 1 / 8_192;
/** Held prefetched copies take at most this share of the cache. */
const MAX_HELD = 0.5;
/** A prefetch not heard of for this many horizons may be planned again. */
const LOST_AFTER = 8;
const NO_PLANS: readonly PrefetchPlan[] = [];

/**
 * The brain of a cache: told every event, it says what is resident, what to prefetch and what to evict. It holds ids
 * and sizes; the host holds the bytes. It reads no clock and draws no randomness but from its seed: the same calls give
 * the same answers.
 *
 * An event costs O(candidates × experts); memory is bounded by `modelBytes` and the number of residents.
 */
export class Engine {
  readonly #shards: ShardTable;
  readonly #predictor: Predictor;
  readonly #reuse: ReuseLearner;
  readonly #cache: LearnedCache;
  readonly #economics: Economics;
  readonly #random: SeededRandom;
  readonly #pace = new Pace();
  readonly #types = new Map<string, number>();
  /** When prefetches under way were issued, by handle. */
  readonly #issuedAt = new Map<number, number>();
  #tick = 0;
  #meanSize = 1;

  /** @param capacity of the cache, in whatever unit `fill` is given sizes in: bytes, or 1 for each shard. */
  constructor(capacity: Bytes, settings: Partial<EngineSettings> = {}) {
    const all = { ...DEFAULT_SETTINGS, ...settings };
    this.#economics = new Economics(all);
    this.#shards = new ShardTable(all.modelBytes * TABLE_SHARE);
    this.#predictor = new Predictor(this.#shards, {
      users: powerOfTwo(all.modelBytes * USERS_PER_BYTE),
      rows: powerOfTwo(all.modelBytes * ROWS_PER_BYTE),
    });
    this.#random = new SeededRandom(all.seed);
    this.#reuse = new ReuseLearner(this.#shards);
    this.#cache = new LearnedCache(capacity, this.#shards, this.#reuse, this.#random);
  }

  get capacity(): Bytes {
    return this.#cache.capacity as Bytes;
  }
  /** Sum of the residents' sizes; never above the capacity. */
  get used(): Bytes {
    return this.#cache.used as Bytes;
  }
  /** Number of residents. */
  get count(): number {
    return this.#cache.count;
  }
  /** Bytes of everything learned. */
  get modelBytes(): number {
    return this.#shards.bytes + this.#predictor.bytes + this.#reuse.bytes;
  }
  /** How good the probabilities were so far. */
  get reliability() {
    return this.#predictor.reliability;
  }
  get settings(): EngineSettings {
    return this.#economics.settings;
  }

  /** Changes settings from the next event on; `modelBytes` and `seed` are fixed at construction. */
  setSettings(settings: Partial<EngineSettings>): void {
    this.#economics.settings = { ...this.#economics.settings, ...settings };
  }

  /** Hears of each prediction's outcome when it is known. */
  onOutcome(listener: (probability: number, label: number) => void): void {
    this.#predictor.onOutcome = listener;
  }

  /** Whether `shard` is resident. Changes nothing. */
  has(shard: string): boolean {
    return this.#shards.state[this.#shards.find(shard)] === RESIDENT;
  }

  /** Takes note of an event: learns from it, and says what it means. */
  request(event: ShardEvent): EngineAnswer {
    const tick = ++this.#tick;
    const type = this.#typeOf(event.type);
    const shard = event.shard;
    const handle = shard === undefined ? this.#shards.intern(event.type, EVENT) : this.#shards.intern(shard);
    this.#shards.touch(handle);
    this.#setPace(event, tick);
    let outcome: ReadOutcome = "none";
    let prefetched = false;
    if (shard !== undefined) {
      outcome = this.#read(handle);
      prefetched = outcome === "hit" && this.#cache.use(handle);
      this.#noteDemand(handle, type, tick, event.time);
    }
    this.#predictor.learn(tick, event.time);
    this.#reuse.learn(tick);
    this.#observeReuse(tick);
    this.#predictor.observe(event.user, handle, type, tick, event.time);
    return { outcome, prefetched, plans: this.#plan(handle, event.time) };
  }

  /**
   * The bytes of `shard` have arrived, after a demand or for a plan. Too large a shard is not admitted, nor is a
   * prefetched one that has meanwhile become resident. `evicted` has to be dropped first.
   */
  fill(shard: string, size: Bytes, reason: "demand" | "prefetch", now: EpochMillis): Admission {
    const handle = this.#shards.intern(shard);
    const prefetch = reason === "prefetch";
    if (prefetch) this.#landed(handle, now);
    if (this.#shards.state[handle] === IN_FLIGHT) this.#shards.state[handle] = ABSENT;
    if (prefetch && this.#shards.state[handle] === RESIDENT) return { admitted: false, evicted: [] };
    this.#meanSize += (size - this.#meanSize) * 0.01;
    const evicted: number[] = [];
    const admitted = this.#cache.admit(handle, size, prefetch, this.#tick, evicted);
    return { admitted, evicted: this.#idsOf(evicted) };
  }

  /** A plan came to nothing. `missing`: there is no such shard. */
  fillFailed(shard: string, _missing: boolean): void {
    const handle = this.#shards.find(shard);
    this.#issuedAt.delete(handle);
    if (this.#shards.state[handle] === IN_FLIGHT) this.#shards.state[handle] = ABSENT;
  }

  /** Forgets a copy (invalidated, deleted). True when it was resident. */
  remove(shard: string): boolean {
    const handle = this.#shards.find(shard);
    if (this.#shards.state[handle] !== RESIDENT) return false;
    this.#cache.remove(handle);
    return true;
  }

  /** Changes the capacity; returns the shards evicted to fit. */
  resize(capacity: Bytes): readonly string[] {
    const evicted: number[] = [];
    this.#cache.resize(capacity, this.#tick, evicted);
    return this.#idsOf(evicted);
  }

  #read(handle: number): ReadOutcome {
    const state = this.#shards.state[handle];
    this.#pace.countRead(state === RESIDENT);
    if (state === RESIDENT) return "hit";
    if (state !== IN_FLIGHT) return "miss";
    this.#shards.state[handle] = ABSENT;
    return "late";
  }

  #setPace(event: ShardEvent, tick: number): void {
    const pace = this.#pace;
    pace.countEvent(this.#predictor.gap(event.user, tick), event.time);
    const turnover = pace.turnover(this.#cache.capacity / this.#meanSize);
    this.#predictor.turnover = this.#reuse.turnover = turnover;
    this.#predictor.horizon = this.#cache.holdTicks = pace.horizon(turnover);
    this.#predictor.fillMs = pace.fillMs;
  }

  #noteDemand(handle: number, type: number, tick: number, time: number): void {
    const shards = this.#shards;
    const last = shards.last[handle] as number;
    const turns = last === 0 ? 0 : (tick - last) / this.#reuse.turnover;
    if (last !== 0) {
      shards.gap2[handle] = shards.gap[handle] as number;
      shards.gap[handle] = tick - last;
    }
    shards.shortRate[handle] = (shards.shortRate[handle] as number) * Math.exp(-turns) + 1;
    shards.longRate[handle] = (shards.longRate[handle] as number) * Math.exp(-turns / 8) + 1;
    shards.last[handle] = tick;
    shards.count[handle] = (shards.count[handle] as number) + 1;
    shards.type[handle] = type;
    shards.lastMs[handle] = time;
  }

  /** Two observations per event, one in four of a shard evicted lately: what went must be learned from, too. */
  #observeReuse(tick: number): void {
    const first = this.#cache.anyResident();
    if (first === 0) return;
    this.#reuse.observe(first, tick);
    const second = (tick & 1) === 0 ? this.#cache.anyResident() : this.#cache.anyVictim();
    if (second !== 0) this.#reuse.observe(second, tick);
  }

  #plan(current: number, time: number): readonly PrefetchPlan[] {
    const { candidates, probability: p } = this.#predictor;
    const price = this.#price();
    const most = this.#economics.settings.maxPerEvent;
    let plans: PrefetchPlan[] | undefined;
    for (let i = 0; i < candidates.count; i++) {
      const handle = candidates.handles[i] as number;
      if (handle === current || !this.#wanted(handle, p[i] as number, price)) continue;
      if (!this.#economics.worthwhile(p[i] as number, price)) continue;
      if (!this.#economics.pressing(p[i] as number, this.#predictor.urgency(i))) continue;
      if (this.#cache.held + (plans?.length ?? 0) * this.#meanSize >= this.#cache.capacity * MAX_HELD) break;
      if (plans === undefined) plans = [];
      plans.push(this.#issue(i, handle, price, time));
      if (plans.length === most) break;
    }
    this.#economics.account(plans?.length ?? 0);
    return plans ?? NO_PLANS;
  }

  /** Whether there is anything to fetch. A held copy that is still worth its place is held longer instead. */
  #wanted(handle: number, p: number, price: number): boolean {
    const shards = this.#shards;
    if (shards.state[handle] === RESIDENT) {
      if (shards.origin[handle] === UNUSED && p > price)
        shards.heldUntil[handle] = this.#tick + this.#cache.holdTicks;
      return false;
    }
    if (shards.state[handle] !== IN_FLIGHT) return true;
    return (shards.heldUntil[handle] as number) < this.#tick;
  }

  #price(): number {
    const cache = this.#cache;
    return this.#economics.price({
      victimWorth: cache.full ? cache.victimWorth * this.#meanSize : 0,
      holdShare: cache.holdTicks / this.#reuse.turnover,
    });
  }

  #issue(index: number, handle: number, price: number, time: number): PrefetchPlan {
    const shards = this.#shards;
    const p = this.#predictor.probability[index] as number;
    const { arrival } = this.#predictor;
    shards.state[handle] = IN_FLIGHT;
    shards.heldUntil[handle] = this.#tick + this.#cache.holdTicks * LOST_AFTER;
    this.#issuedAt.set(handle, time);
    const holdMs = millis(this.#cache.holdTicks * this.#pace.tickMs);
    return {
      shard: shards.ids[handle] as string,
      probability: probability(p),
      expectedDelay: arrival.quantile(0.5, holdMs),
      expiresAt: epochMillis(time + arrival.quantile(0.95, holdMs)),
      source: this.#predictor.bestExpert(index),
      worth: p,
      price,
    };
  }

  #landed(handle: number, now: number): void {
    const issued = this.#issuedAt.get(handle);
    if (issued === undefined) return;
    this.#issuedAt.delete(handle);
    this.#pace.countFill(millis(now - issued) as Millis);
  }

  #typeOf(name: string): number {
    const known = this.#types.get(name);
    if (known !== undefined) return known;
    const type = this.#types.size & 0xffff;
    this.#types.set(name, type);
    return type;
  }

  #idsOf(handles: readonly number[]): readonly string[] {
    return handles.map((handle) => this.#shards.ids[handle] as string);
  }
}

const powerOfTwo = (atMost: number): number => 1 << Math.max(2, Math.floor(Math.log2(atMost)));
