import { CacheDynamics } from "../cache/cache-dynamics.ts";
import { LearnedCache } from "../cache/learned.ts";
import type { Admission } from "../cache/policy.ts";
import { ReuseLearner } from "../cache/reuse-learner.ts";
import type { ShardEvent } from "../event.ts";
import type { CalibrationStats } from "../learning/calibration-stats.ts";
import {
  ABSENT,
  EVENT,
  IN_FLIGHT,
  MISSING,
  RESIDENT,
  ShardTable,
  UNUSED,
  USED,
} from "../learning/shard-table.ts";
import type { MapDelta } from "../map-delta.ts";
import { Predictor } from "../prediction/predictor.ts";
import type { CacheOutcome, EngineAnswer } from "../prefetch/plan.ts";
import { Planner } from "../prefetch/planner.ts";
import { PrefetchPricing } from "../prefetch/prefetch-pricing.ts";
import { SeededRandom } from "../random.ts";
import { type Bytes, type EpochMillis, epochMillis, probability } from "../units.ts";
import { Decisions } from "./decisions.ts";
import { type EngineState, restoreEngine, saveEngine } from "./engine-state.ts";
import type { Explanation, Verdict } from "./explanation.ts";
import { PatternWatch } from "./pattern-watch.ts";
import { DEFAULT_SETTINGS, type EngineSettings } from "./settings.ts";

/** Share of the model's bytes for the shard table; the successor tables take most of the rest. */
const TABLE_SHARE = 0.28;
/** Rows of the successor tables, and users remembered, per byte of the model; rounded down to a power of two. */
const ROWS_PER_BYTE = 1 / 500;
const USERS_PER_BYTE = 1 / 8_192;
/** Predictions and observations waiting for their outcome. */
const LOG_PER_BYTE = 1 / 1_024;

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
  readonly #economics: PrefetchPricing;
  readonly #planner: Planner;
  readonly #pace = new CacheDynamics();
  readonly #decisions = new Decisions();
  readonly #types = new Map<string, number>();
  readonly #typeNames: string[] = [];
  readonly #watch = new PatternWatch();
  #listener: ((probability: number, label: number) => void) | undefined;
  #tick = 0;

  /** @param capacity of the cache, in the unit `fill` is given sizes in: bytes, or 1 for each shard. */
  constructor(capacity: Bytes, settings: Partial<EngineSettings> = {}) {
    const all = { ...DEFAULT_SETTINGS, ...settings };
    this.#economics = new PrefetchPricing(all);
    this.#shards = new ShardTable(all.modelBytes * TABLE_SHARE);
    this.#predictor = new Predictor(this.#shards, {
      users: powerOfTwo(all.modelBytes * USERS_PER_BYTE),
      rows: powerOfTwo(all.modelBytes * ROWS_PER_BYTE),
      log: powerOfTwo(all.modelBytes * LOG_PER_BYTE),
    });
    this.#reuse = new ReuseLearner(this.#shards, powerOfTwo(all.modelBytes * LOG_PER_BYTE));
    this.#cache = new LearnedCache(capacity, this.#shards, this.#reuse, new SeededRandom(all.seed));
    this.#planner = new Planner({
      shards: this.#shards,
      predictor: this.#predictor,
      cache: this.#cache,
      economics: this.#economics,
      pace: this.#pace,
    });
    this.#predictor.onOutcome = (said, label) => {
      this.#listener?.(said, label);
    };
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
  get reliability(): CalibrationStats {
    return this.#predictor.reliability;
  }

  /** Changes settings from the next event on; `modelBytes` and `seed` are fixed at construction. */
  setSettings(settings: Partial<EngineSettings>): void {
    this.#economics.settings = { ...this.#economics.settings, ...settings };
  }

  /** Hears of each prediction's outcome when it is known. */
  onOutcome(listener: (probability: number, label: number) => void): void {
    this.#listener = listener;
  }

  /** Whether `shard` is resident. Changes nothing. */
  has(shard: string): boolean {
    return this.#shards.state[this.#shards.find(shard)] === RESIDENT;
  }

  /** Takes note of an event: learns from it, and says what it means. */
  request(event: ShardEvent): EngineAnswer {
    const tick = ++this.#tick;
    const { shard, time } = event;
    const type = this.#typeOf(event.type);
    const handle = shard === undefined ? this.#shards.intern(event.type, EVENT) : this.#shards.intern(shard);
    this.#shards.touch(handle);
    this.#setPace(event, tick);
    const surprise = this.#surprise(handle, tick);
    const outcome = shard === undefined ? "none" : this.#read(handle);
    const prefetched = outcome === "hit" && this.#cache.use(handle);
    if (prefetched) this.#economics.recordUsed();
    if (shard !== undefined) this.#noteDemand(handle, type, tick, time);
    this.#predictor.learn(tick, time);
    this.#reuse.learn(tick);
    this.#observeReuse(tick);
    this.#predictor.observe(event.user, handle, type, tick, time);
    const answer: EngineAnswer = { outcome, prefetched, plans: this.#planner.plan(handle, tick, time) };
    this.#remember(event, answer);
    if (shard !== undefined) this.#watch.read(surprise);
    return answer;
  }

  /**
   * The bytes of `shard` have arrived, after a demand or for a plan. A shard larger than the cache is not admitted, nor
   * is a prefetched one that has meanwhile become resident. `evicted` has to be dropped first.
   */
  fill(shard: string, size: Bytes, reason: "demand" | "prefetch", now: EpochMillis): Admission {
    const handle = this.#shards.intern(shard);
    const prefetch = reason === "prefetch";
    if (prefetch) this.#planner.landed(handle, now);
    else this.#planner.overtaken(handle);
    if (prefetch && this.#shards.state[handle] === RESIDENT) return { admitted: false, evicted: [] };
    this.#pace.countSize(size);
    const evicted: number[] = [];
    const admitted = this.#cache.admit(handle, size, prefetch, this.#tick, evicted);
    if (prefetch) this.#decisions.settle(shard, "pending", admitted ? "held" : "failed");
    return { admitted, evicted: this.#namesOf(evicted) };
  }

  /** A plan came to nothing. `missing`: there is no such shard, and guessing it again is vain. */
  fillFailed(shard: string, missing: boolean): void {
    const handle = this.#shards.find(shard);
    if (handle === 0) return;
    this.#planner.failed(handle);
    if (missing && this.#shards.state[handle] === ABSENT) this.#shards.state[handle] = MISSING;
    this.#decisions.settle(shard, "pending", "failed");
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
    return this.#namesOf(evicted);
  }

  /** Why `shard` is here, or is not. */
  explain(shard: string): Explanation {
    const t = this.#shards;
    const handle = t.find(shard);
    const saidAt = t.predictedAt[handle] as number;
    const demands = t.count[handle] as number;
    return {
      shard,
      verdict: this.#verdict(handle),
      demands,
      lastDemand: demands === 0 ? undefined : epochMillis(t.lastMs[handle] as number),
      probability: probability(t.predicted[handle] as number),
      saidEventsAgo: saidAt === 0 ? undefined : this.#tick - saidAt,
      price: this.#planner.price(),
      keepWorth: probability(handle === 0 ? 0 : this.#reuse.probability(handle, this.#tick)),
      prefetch: this.#decisions.get(shard),
    };
  }

  /** Whether the pattern of reads has changed significantly since this was last asked: reason to report at once. */
  takePatternChange(): boolean {
    return this.#watch.takeChange();
  }

  /** Takes over what was learned elsewhere; it is used where there is little experience of one's own. */
  applyMapDelta(slice: MapDelta): void {
    this.#predictor.applyMapDelta(slice);
  }

  /** Everything learned, as plain data and typed arrays; not which shards are resident. */
  toState(): EngineState {
    return saveEngine(this.#parts, [...this.#typeNames], this.#tick);
  }

  /** An engine that knows what the state tells; its cache is empty, and is filled by {@link fill}. */
  static fromState(state: EngineState, capacity: Bytes, settings: Partial<EngineSettings> = {}): Engine {
    const engine = new Engine(capacity, settings);
    engine.#tick = state.tick;
    for (const name of state.types) engine.#typeOf(name);
    restoreEngine(engine.#parts, state);
    return engine;
  }

  get #parts() {
    return { shards: this.#shards, predictor: this.#predictor, reuse: this.#reuse, pace: this.#pace };
  }

  #read(handle: number): CacheOutcome {
    const state = this.#shards.state[handle];
    this.#pace.countRead(state === RESIDENT);
    if (state === RESIDENT) return "hit";
    if (state === MISSING) this.#shards.state[handle] = ABSENT;
    if (state !== IN_FLIGHT) return "miss";
    this.#planner.overtaken(handle);
    return "late";
  }

  /** 0 when the read was certain to come, 1 when nobody saw it coming or the shard is new. */
  #surprise(handle: number, tick: number): number {
    const said = this.#shards.predictedAt[handle] as number;
    if ((this.#shards.count[handle] as number) < NEW || said === 0 || tick - said > this.#predictor.horizon)
      return 1;
    return 1 - (this.#shards.predicted[handle] as number);
  }

  #setPace(event: ShardEvent, tick: number): void {
    const pace = this.#pace;
    pace.countEvent(this.#predictor.gap(event.user, tick), event.time);
    const turnover = pace.turnover(this.#cache.capacity);
    this.#reuse.turnover = this.#cache.turnover = turnover;
    this.#predictor.horizon = this.#cache.holdTicks = pace.horizon(turnover);
    this.#predictor.fillMs = pace.fillMs;
  }

  #noteDemand(handle: number, type: number, tick: number, time: number): void {
    const t = this.#shards;
    const last = t.last[handle] as number;
    const turns = last === 0 ? 0 : (tick - last) / this.#reuse.turnover;
    if (last !== 0) {
      t.gap2[handle] = t.gap[handle] as number;
      t.gap[handle] = tick - last;
    }
    t.shortRate[handle] = (t.shortRate[handle] as number) * Math.exp(-turns) + 1;
    t.longRate[handle] = (t.longRate[handle] as number) * Math.exp(-turns / 8) + 1;
    t.last[handle] = tick;
    t.count[handle] = (t.count[handle] as number) + 1;
    t.type[handle] = type;
    t.lastMs[handle] = time;
  }

  /** Two observations per event, up to half of shards evicted lately: what went must be learned from, too. */
  #observeReuse(tick: number): void {
    const first = this.#cache.anyResident();
    if (first === 0) return;
    this.#reuse.observe(first, tick);
    const second = (tick & 1) === 0 ? this.#cache.anyResident() : this.#cache.anyVictim();
    if (second !== 0) this.#reuse.observe(second, tick);
  }

  /** Keeps for {@link explain} what was decided and what came of it. */
  #remember(event: ShardEvent, answer: EngineAnswer): void {
    if (answer.prefetched) this.#decisions.settle(event.shard ?? "", "held", "used");
    if (answer.outcome === "late") this.#decisions.settle(event.shard ?? "", "pending", "late");
    for (const plan of answer.plans) this.#decisions.note(plan, event.type, event.shard ?? "", event.time);
  }

  #verdict(handle: number): Verdict {
    if (handle === 0) return "never heard of";
    const t = this.#shards;
    const { state, origin } = t;
    if (state[handle] === IN_FLIGHT) return "prefetch under way";
    if (state[handle] === MISSING) return "does not exist";
    if (state[handle] !== RESIDENT)
      return (t.admittedAt[handle] as number) > 0 ? "evicted" : "not worth the price";
    if (origin[handle] === UNUSED) return "resident, prefetched and not used yet";
    return origin[handle] === USED ? "resident, prefetched and used" : "resident after demand";
  }

  #typeOf(name: string): number {
    const known = this.#types.get(name);
    if (known !== undefined) return known;
    // Beyond the bound all new types are one; event types are named by programs, not by users.
    const type = Math.min(this.#types.size, MAX_TYPES);
    if (type < MAX_TYPES) this.#types.set(name, type);
    this.#typeNames[type] = type < MAX_TYPES ? name : "";
    return type;
  }

  #namesOf(handles: readonly number[]): readonly string[] {
    return handles.map((handle) => {
      const name = this.#shards.ids[handle] as string;
      this.#decisions.settle(name, "held", "unused");
      return name;
    });
  }
}

/** A shard with fewer demands is new. */
const NEW = 8;
/** Event types told apart. */
const MAX_TYPES = 1_024;

const powerOfTwo = (atMost: number): number => 1 << Math.max(2, Math.floor(Math.log2(atMost)));
