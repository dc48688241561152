import type { Admission } from "../cache/admission.ts";
import { CacheDynamics } from "../cache/cache-dynamics.ts";
import { LearnedCache } from "../cache/learned.ts";
import { ReuseLearner } from "../cache/reuse-learner.ts";
import type { ShardEvent } from "../event.ts";
import type { CalibrationStats } from "../learning/calibration-stats.ts";
import { kindOfEvent } from "../learning/event-kind.ts";
import {
  ABSENT,
  ELSEWHERE,
  EVENT,
  IN_FLIGHT,
  RESIDENT,
  ShardTable,
  UNUSED,
  USED,
} from "../learning/shard-table.ts";
import type { MapDelta } from "../map-delta.ts";
import { Predictor } from "../prediction/predictor.ts";
import { PrefetchGate, type Refusal } from "../prefetch/gate.ts";
import type { CacheOutcome, EngineAnswer, EventPart } from "../prefetch/plan.ts";
import type { Prefetch } from "../prefetch/prefetch.ts";
import { type PrefetchDecision, PrefetchHistory } from "../prefetch/prefetch-history.ts";
import { PrefetchPricing } from "../prefetch/prefetch-pricing.ts";
import { SeededRandom } from "../random.ts";
import { type Bytes, type EpochMillis, epochMillis, probability } from "../units.ts";
import type { Explanation, Verdict } from "./explanation.ts";
import { type EngineHost, PLAIN_HOST } from "./host.ts";
import { absorbMind, type EngineMind, saveMind } from "./mind.ts";
import { modelSizes } from "./model-sizes.ts";
import { PatternWatch } from "./pattern-watch.ts";
import { DEFAULT_SETTINGS, type EngineSettings } from "./settings.ts";

/** Events are counted from here, so that what was learned up to so many events ago elsewhere can be dated: far more than a turnover. */
const FIRST_TICK = 1 << 20;

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
  readonly #pricing: PrefetchPricing;
  readonly #gate: PrefetchGate;
  readonly #dynamics = new CacheDynamics();
  readonly #history = new PrefetchHistory();
  readonly #host: EngineHost;
  readonly #watch = new PatternWatch();
  #listener: ((probability: number, label: number) => void) | undefined;
  #tick = FIRST_TICK;
  #hasAbsorbed = false;

  /**
   * @param capacity of the cache, in the unit `fill` is given sizes in: bytes, or 1 for each shard.
   */
  constructor(capacity: Bytes, settings: Partial<EngineSettings> = {}, host: Partial<EngineHost> = {}) {
    const all = { ...DEFAULT_SETTINGS, ...settings };
    const sizes = modelSizes(all.modelBytes);
    this.#host = { ...PLAIN_HOST, ...host };
    this.#pricing = new PrefetchPricing(all);
    this.#shards = new ShardTable(sizes.tableBytes);
    this.#predictor = new Predictor(this.#shards, sizes);
    this.#reuse = new ReuseLearner(this.#shards, sizes.log);
    this.#cache = new LearnedCache(capacity, this.#shards, this.#reuse, new SeededRandom(all.seed));
    this.#gate = new PrefetchGate({
      shards: this.#shards,
      predictor: this.#predictor,
      cache: this.#cache,
      pricing: this.#pricing,
      dynamics: this.#dynamics,
      history: this.#history,
      ...this.#host,
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
    this.#pricing.settings = { ...this.#pricing.settings, ...settings };
  }

  /** Hears of each prediction's outcome when it is known. */
  onOutcome(listener: (probability: number, label: number) => void): void {
    this.#listener = listener;
  }

  /** Whether `shard` is resident. Changes nothing. */
  has(shard: string): boolean {
    return this.#shards.state[this.#shards.find(shard)] === RESIDENT;
  }

  /**
   * Takes note of an event: learns from it, and says what it means. With a `refusal` nothing is planned, whatever it
   * would be worth. Where the user's home and the shard's owner are two, each takes its part of it.
   */
  request(event: ShardEvent, refusal: Refusal | null = null, part: EventPart = "whole"): EngineAnswer {
    const tick = ++this.#tick;
    const { shard, time } = event;
    const kind = kindOfEvent(event.type, event.dataType);
    const handle = shard === undefined ? this.#shards.intern(event.type, EVENT) : this.#shards.intern(shard);
    this.#shards.touch(handle);
    this.#setDynamics(event, tick, part);
    const surprise = this.#surprise(handle, tick);
    const outcome =
      shard === undefined ? "none" : part === "mind" ? this.#readElsewhere(handle, tick) : this.#read(handle);
    const prefetched = outcome === "hit" && this.#cache.use(handle);
    if (prefetched && shard !== undefined) this.#gate.used(shard);
    if (shard !== undefined) this.#noteDemand(handle, tick, time);
    this.#predictor.learn(tick, time);
    this.#reuse.learn(tick);
    this.#observeReuse(tick);
    if (outcome === "late" && shard !== undefined) this.#history.settle(shard, "pending", "late");
    if (part === "cache") return { outcome, prefetched, plans: [] };
    this.#predictor.observe(event, handle, kind, tick);
    const plans = this.#gate.plan(handle, tick, event, refusal);
    if (shard !== undefined) this.#watch.read(surprise);
    return { outcome, prefetched, plans };
  }

  /**
   * The bytes of `shard` have arrived, after a demand or for a plan. A shard larger than the cache is not admitted, nor
   * is a prefetched one that has meanwhile become resident. `evicted` has to be dropped first.
   */
  fill(shard: string, size: Bytes, reason: "demand" | "prefetch", now: EpochMillis): Admission {
    const handle = this.#shards.intern(shard);
    const prefetch = reason === "prefetch";
    const hold = prefetch ? this.#gate.landed(handle, now) : 0;
    if (!prefetch) this.#gate.overtaken(handle);
    if (prefetch && this.#shards.state[handle] === RESIDENT) return { admitted: false, evicted: [] };
    this.#dynamics.countSize(size);
    const evicted: number[] = [];
    const admitted = this.#cache.admit(handle, size, prefetch, this.#tick, evicted);
    if (prefetch && admitted) this.#shards.heldUntil[handle] = this.#tick + hold;
    if (prefetch) this.#history.settle(shard, "pending", admitted ? "held" : "failed");
    return { admitted, evicted: this.#namesOf(evicted) };
  }

  /** Which of these proposals of others to fetch: what the gate lets through. The host has to end each as a plan. */
  consider(proposals: readonly Prefetch[], now: EpochMillis, refusal: Refusal | null): readonly Prefetch[] {
    return this.#gate.consider(proposals, this.#tick, now, refusal);
  }

  /** A plan is due later, and will be proposed again when its time has come. */
  postpone(plan: Prefetch): void {
    this.#gate.postpone(plan);
  }

  /** A prefetch came to nothing. */
  prefetchFailed(shard: string): void {
    const handle = this.#shards.find(shard);
    if (handle === 0) return;
    this.#gate.failed(handle);
    this.#history.settle(shard, "pending", "failed");
  }

  /** The last decision about a prefetch of `shard`, as far as one is remembered. */
  decisionOn(shard: string): PrefetchDecision | undefined {
    return this.#history.of(shard);
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
      verdict: this.#verdict(shard, handle),
      demands,
      lastDemand: demands === 0 ? undefined : epochMillis(t.lastMs[handle] as number),
      probability: probability(t.predicted[handle] as number),
      saidEventsAgo: saidAt === 0 ? undefined : this.#tick - saidAt,
      price: this.#gate.price(),
      keepWorth: probability(handle === 0 ? 0 : this.#reuse.probability(handle, this.#tick)),
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

  /** Whether it knows anything: it has learned from an event, or taken in a mind. */
  get hasLearned(): boolean {
    return this.#tick > FIRST_TICK || this.#hasAbsorbed;
  }

  /** What it knows that is worth keeping; not which shards are resident. O(model), a few ms. */
  save(): EngineMind {
    return saveMind(this.#learners, this.#tick);
  }

  /** Takes in what {@link save} gave, here or elsewhere, at any time: what is stronger here stays. @throws RangeError */
  absorb(mind: EngineMind): void {
    absorbMind(this.#learners, mind, this.#tick);
    this.#hasAbsorbed = true;
  }

  get #learners() {
    return {
      predictor: this.#predictor,
      reuse: this.#reuse,
      pace: this.#dynamics,
      cache: this.#cache,
      pricing: this.#pricing,
    };
  }

  #read(handle: number): CacheOutcome {
    const state = this.#shards.state[handle];
    this.#dynamics.countRead(state === RESIDENT);
    if (state === RESIDENT) return "hit";
    if (state !== IN_FLIGHT) return "miss";
    this.#gate.overtaken(handle);
    return "late";
  }

  /** 0 when the read was certain to come, 1 when nobody saw it coming or the shard is new. */
  #surprise(handle: number, tick: number): number {
    const said = this.#shards.predictedAt[handle] as number;
    if ((this.#shards.count[handle] as number) < NEW || said === 0 || tick - said > this.#predictor.horizon)
      return 1;
    return 1 - (this.#shards.predicted[handle] as number);
  }

  /** Asked for where another cache is there for it: since then it is there. For this cache it is no miss. */
  #readElsewhere(handle: number, tick: number): CacheOutcome {
    const { state, heldUntil } = this.#shards;
    this.#dynamics.countRead(true);
    if (state[handle] !== ABSENT && state[handle] !== ELSEWHERE) return "none";
    state[handle] = ELSEWHERE;
    heldUntil[handle] = tick + STAYS_ELSEWHERE * this.#reuse.turnover;
    return "none";
  }

  #setDynamics(event: ShardEvent, tick: number, part: EventPart): void {
    const dynamics = this.#dynamics;
    dynamics.countEvent(part === "cache" ? 0 : this.#predictor.gap(event.user, tick), event.time);
    const turnover = dynamics.turnover(this.#cache.capacity);
    this.#reuse.turnover = this.#cache.turnover = turnover;
    this.#predictor.horizon = this.#cache.holdTicks = dynamics.horizon(turnover);
    this.#predictor.fillMs = dynamics.fillMs;
  }

  #noteDemand(handle: number, tick: number, time: number): void {
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

  #verdict(shard: string, handle: number): Verdict {
    if (this.#host.isVain(shard)) return "does not exist, or is too large";
    if (handle === 0) return "never heard of";
    const t = this.#shards;
    const { state, origin } = t;
    if (state[handle] === IN_FLIGHT) return "prefetch under way";
    if (state[handle] !== RESIDENT)
      return (t.admittedAt[handle] as number) > 0 ? "evicted" : "not worth the price";
    if (origin[handle] === UNUSED) return "resident, prefetched and not used yet";
    return origin[handle] === USED ? "resident, prefetched and used" : "resident after demand";
  }

  #namesOf(handles: readonly number[]): readonly string[] {
    return handles.map((handle) => {
      const name = this.#shards.ids[handle] as string;
      this.#history.settle(name, "held", "unused");
      return name;
    });
  }
}

/** A shard with fewer demands is new. */
const NEW = 8;
/** Share of a turnover for which what was asked for elsewhere is taken to stay there. Asking again costs a message only. */
const STAYS_ELSEWHERE = 0.5;
