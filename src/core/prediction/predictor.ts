import { BinnedMixer, fromLogOdds, type MixerState } from "../learning/binned-mixer.ts";
import { CalibrationStats } from "../learning/calibration-stats.ts";
import { DelayHistogram } from "../learning/delay-histogram.ts";
import { PATTERN, RESIDENT, SHARD, type ShardTable } from "../learning/shard-table.ts";
import type { MapDelta } from "../map-delta.ts";
import { millis } from "../units.ts";
import { Calibrator } from "./calibrator.ts";
import { Candidates, MAX_CANDIDATES } from "./candidates.ts";
import { IdParts } from "./id-parts.ts";
import { NUMBER_EXPERTS, NumberTemplates } from "./number-templates.ts";
import { PredictionLog } from "./prediction-log.ts";
import { ABSENT_BINS, priorOfBin, ROW_BINS, USER_PLACEHOLDER } from "./row-bins.ts";
import type { RowTable, RowTableState } from "./row-table.ts";
import { SharedMap } from "./shared-map.ts";
import { SUCCESSOR_EXPERTS, Successors } from "./successors.ts";
import { SuffixTemplates } from "./suffix-templates.ts";
import { HISTORY, UserHistories } from "./user-histories.ts";

/** The experts, in the order of their inputs. The last says nothing of what follows, but of the shard itself. */
const EXPERTS = ["order1", "order2", "order3", "window", "step", "chain", "suffix", "recency"] as const;
export type Expert = (typeof EXPERTS)[number] | "map";
const N = EXPERTS.length;
const FIRST_NUMBER = SUCCESSOR_EXPERTS;
const SUFFIX_EXPERT = FIRST_NUMBER + NUMBER_EXPERTS;
/** Experts that name candidates. */
const NAMING = SUFFIX_EXPERT + 1;

/** Resident, known but not resident, never seen: three populations whose predictions come true at different rates. */
const STATUSES = 3;
const RECENCY_BINS = 7;
/** Weight sets: number of experts that name the candidate, in the user's history or not, status. */
const SETS = 16 * STATUSES;
/** Inputs overlap, so that weights that would add up independent evidence (1 each) count it several times over. */
const INITIAL_WEIGHT = 0.17;
/** Predictions above this of what is not resident are all logged, of the rest one in {@link LOG_EVERY}: little hangs on them. */
const LOG_ALL_ABOVE = 0.03;
const LOG_EVERY = 8;
/** Shortest user ids that are looked for within shard ids; shorter ones would be found by chance. */
const MIN_USER = 3;
const HANDLE_MASK = 0xfffff;
/** Labels after which a weight set is left to itself. */
const GROWN_UP = 200;

/** How large the parts of the model may grow. */
export interface PredictorSizes {
  readonly users: number;
  /** Rows of the successor tables, a power of two. */
  readonly rows: number;
  /** Predictions waiting for their outcome, a power of two. */
  readonly log: number;
}

/** What a {@link Predictor} has learned. */
export interface PredictorState {
  readonly tables: readonly RowTableState[];
  readonly wanted: MixerState;
  readonly urgent: MixerState;
  readonly calibrator: Float32Array;
  readonly arrival: Float64Array;
}

const recencyBin = (back: number): number =>
  back < 4 ? (back === 0 ? 0 : back < 2 ? 1 : 2) : back < 12 ? (back < 7 ? 3 : 4) : back < 20 ? 5 : 6;

/**
 * Says after each event which shards will be wanted within a short horizon, and how probably. Experts name candidates;
 * two logistic mixtures of what they say give the probability that a candidate is wanted within the horizon, and that
 * it is wanted before this user's next step (waiting for which would be too late). Every prediction above a few percent
 * is checked when the horizon has passed, resident or not, so that nothing need be fetched just to learn from it.
 *
 * One event costs O(candidates × experts).
 */
export class Predictor {
  readonly candidates: Candidates;
  /** Probability that candidate i is wanted within the horizon. */
  readonly probability = new Float32Array(MAX_CANDIDATES);
  readonly reliability = new CalibrationStats();
  /** Delays of what came true, in ms of event time. */
  readonly arrival = new DelayHistogram();
  /** Hears of each outcome. */
  onOutcome: ((probability: number, label: number) => void) | undefined;
  /** Ticks within which a prediction has to come true. */
  horizon = 6;
  /** What a fill takes; what is wanted sooner cannot be prefetched. */
  fillMs = 0;
  readonly #shards: ShardTable;
  readonly #streams: UserHistories;
  readonly #successors: Successors;
  readonly #numbers: NumberTemplates;
  readonly #suffixes: SuffixTemplates;
  readonly #map: SharedMap;
  readonly #parts = new IdParts();
  readonly #wanted: BinnedMixer;
  readonly #urgent: BinnedMixer;
  readonly #calibrator = new Calibrator(STATUSES);
  readonly #log: PredictionLog;
  readonly #mapBins = new Int16Array(MAX_CANDIDATES);
  readonly #sets = new Uint8Array(MAX_CANDIDATES);
  #unlogged = 0;

  constructor(shards: ShardTable, sizes: PredictorSizes) {
    this.#shards = shards;
    this.#streams = new UserHistories(sizes.users);
    this.#successors = new Successors(shards, this.#streams, sizes.rows);
    this.#numbers = new NumberTemplates(shards, sizes.users, sizes.rows / 8);
    this.#suffixes = new SuffixTemplates(shards, sizes.rows / 4);
    this.#log = new PredictionLog(N, sizes.log);
    this.#map = new SharedMap(shards, sizes.rows / 16);
    this.candidates = new Candidates(shards, N);
    this.#wanted = makeMixer();
    this.#urgent = makeMixer();
  }

  get bytes(): number {
    return [
      this.#streams,
      this.#successors,
      this.#numbers,
      this.#suffixes,
      this.#map,
      this.#wanted,
      this.#urgent,
      this.#log,
    ].reduce((sum, part) => sum + part.bytes, 0);
  }

  /** Takes over what was learned elsewhere. */
  applyMapDelta(slice: MapDelta): void {
    this.#map.apply(slice);
  }

  /** Ticks since the user's last event, 0 for their first. */
  gap(user: string, tick: number): number {
    return this.#streams.gap(this.#streams.slotOf(user), tick);
  }

  /**
   * The user's next event: learns from it and fills `candidates`, and `probability`.
   *
   * @param handle the shard read, or the entry of a caller's event
   * @param type small integer for the event type
   */
  observe(user: string, handle: number, type: number, tick: number, time: number): void {
    const slot = this.#streams.slotOf(user);
    if (this.#streams.length(slot) === 0) this.#resetTemplates(slot);
    const reference = this.#shards.reference(this.#stepOf(user, handle));
    if (this.#streams.at(slot, 1) !== reference) {
      this.#successors.learn(slot, reference, tick);
      this.#streams.push(slot, reference, tick);
    }
    this.#markHistory(slot, tick);
    this.candidates.clear();
    this.#successors.propose(slot, user, this.candidates, 0);
    if (this.#shards.kind[handle] === SHARD) this.#proposeTemplates(slot, handle, type);
    this.#mapBins.fill(-1, 0, this.candidates.count);
    this.#proposeMap(slot, reference, user);
    for (let i = 0; i < this.candidates.count; i++) this.#judge(i, slot, tick, time);
  }

  toState(): PredictorState {
    return {
      tables: this.#tables.map((table) => table.toState()),
      wanted: this.#wanted.toState(),
      urgent: this.#urgent.toState(),
      calibrator: this.#calibrator.toState(),
      arrival: this.arrival.toState(),
    };
  }

  /** Takes over what another predictor of the same sizes learned; not what each user did last. */
  restore(state: PredictorState): void {
    this.#tables.forEach((table, i) => {
      const from = state.tables[i];
      if (from !== undefined) table.restore(from);
    });
    this.#wanted.restore(state.wanted);
    this.#urgent.restore(state.urgent);
    this.#calibrator.restore(state.calibrator);
    this.arrival.restore(state.arrival);
  }

  get #tables(): readonly RowTable[] {
    return [...this.#successors.tables, ...this.#numbers.tables, ...this.#suffixes.tables];
  }

  /** Learns from the predictions whose time is up. */
  learn(tick: number, time: number): void {
    const log = this.#log;
    for (let at = log.oldest(); at >= 0; at = log.oldest()) {
      if ((log.tick[at] as number) + this.horizon > tick) return;
      if (this.fillMs > 0 && (log.time[at] as number) + this.fillMs > time) return;
      this.#learnFrom(at);
      log.shift();
    }
  }

  /** Probability that candidate `index` is wanted before this user's next step. */
  urgency(index: number): number {
    // Others' knowledge does not tell when: it stands in only until there is own experience.
    if ((this.#mapBins[index] as number) >= 0) return this.probability[index] as number;
    const set = this.#sets[index] as number;
    const mixed = fromLogOdds(this.#urgent.mix(this.candidates.bins, index * N, set));
    const trust = Math.min(1, this.#urgent.labels(set) / GROWN_UP);
    return trust * mixed + (1 - trust) * (this.probability[index] as number);
  }

  /** The naming expert that alone thinks most of candidate `index`. */
  bestExpert(index: number): Expert {
    if ((this.#mapBins[index] as number) >= 0) return "map";
    let best = 0;
    let bestRate = -1;
    for (let e = 0; e < NAMING; e++) {
      const bin = this.candidates.bins[index * N + e] as number;
      const rate = bin % ROW_BINS < ABSENT_BINS ? -1 : this.#wanted.rateOf(e, bin);
      if (rate > bestRate) [best, bestRate] = [e, rate];
    }
    return EXPERTS[best] as Expert;
  }

  /** What stands in the user's history for this event: ids that name the user are shared as a pattern. */
  #stepOf(user: string, handle: number): number {
    if (user.length < MIN_USER || this.#shards.kind[handle] !== SHARD) return handle;
    const id = this.#shards.ids[handle] as string;
    if (!id.includes(user)) return handle;
    const pattern = this.#shards.intern(id.replaceAll(user, USER_PLACEHOLDER), PATTERN);
    this.#shards.touch(pattern);
    return pattern;
  }

  #proposeMap(slot: number, reference: number, user: string): void {
    if (!this.#map.filled) return;
    this.#map.propose(reference, this.#successors.experience(slot), user, (handle, bin) => {
      const index = this.candidates.indexOf(handle);
      if (index >= 0) this.#mapBins[index] = bin;
    });
  }

  #markHistory(slot: number, tick: number): void {
    const { historyMark, historyIndex } = this.#shards;
    for (let back = HISTORY; back >= 1; back--) {
      const reference = this.#streams.at(slot, back);
      if (reference === 0) continue;
      historyMark[reference & HANDLE_MASK] = tick;
      historyIndex[reference & HANDLE_MASK] = back;
    }
  }

  /** The slot is another user's now. */
  #resetTemplates(slot: number): void {
    this.#numbers.reset(slot);
    this.#suffixes.reset(slot);
  }

  #proposeTemplates(slot: number, handle: number, type: number): void {
    const id = this.#shards.ids[handle] as string;
    this.#parts.parse(id);
    this.#numbers.observe(slot, id, this.#parts, type, this.candidates, FIRST_NUMBER);
    this.#suffixes.observe(slot, id, this.#parts, this.candidates, SUFFIX_EXPERT);
  }

  #judge(index: number, slot: number, tick: number, time: number): void {
    const shards = this.#shards;
    const handle = this.candidates.handles[index] as number;
    const from = index * N;
    const status = shards.state[handle] === RESIDENT ? 0 : shards.count[handle] === 0 ? 2 : 1;
    const set = this.#describe(handle, from, status, tick);
    this.#sets[index] = set;
    const bins = this.candidates.bins;
    const odds = this.#wanted.mix(bins, from, set);
    const calibrationBin = this.#calibrator.binOf(odds, status);
    const mapBin = this.#mapBins[index] as number;
    const own = this.#young(index, this.#calibrator.correct(odds, calibrationBin), set);
    const p = mapBin < 0 ? own : Math.max(own, this.#map.rate(mapBin));
    this.probability[index] = p;
    shards.predicted[handle] = p;
    shards.predictedAt[handle] = tick;
    if ((p <= LOG_ALL_ABOVE || status === 0) && ++this.#unlogged % LOG_EVERY !== 0) return;
    const log = this.#log;
    const at = log.push();
    if (at < 0) return;
    for (let e = 0; e < N; e++) log.bins[at * N + e] = bins[from + e] as number;
    log.reference[at] = shards.reference(handle);
    log.tick[at] = tick;
    log.time[at] = time;
    log.set[at] = set;
    log.calibrationBin[at] = calibrationBin;
    log.probability[at] = p;
    log.mapBin[at] = mapBin;
    log.stream[at] = slot;
    log.steps[at] = this.#streams.length(slot);
  }

  /** While a weight set has learned little, the most confident expert alone has its say, too. */
  #young(index: number, mixed: number, set: number): number {
    const labels = this.#wanted.labels(set);
    if (labels >= GROWN_UP) return mixed;
    const trust = labels / GROWN_UP;
    return trust * mixed + (1 - trust) * Math.max(mixed, this.#bestRate(index));
  }

  #bestRate(index: number): number {
    let best = 0;
    for (let e = 0; e < NAMING; e++) {
      const bin = this.candidates.bins[index * N + e] as number;
      if (bin % ROW_BINS >= ABSENT_BINS) best = Math.max(best, this.#wanted.rateOf(e, bin));
    }
    return best;
  }

  /** Completes the bins of the candidate at `from`; returns its weight set. */
  #describe(handle: number, from: number, status: number, tick: number): number {
    const shards = this.#shards;
    const bins = this.candidates.bins;
    let named = 0;
    for (let e = 0; e < NAMING; e++) {
      const bin = bins[from + e] as number;
      if (bin >= ABSENT_BINS) named++;
      bins[from + e] = bin + ROW_BINS * status;
    }
    const back = shards.historyMark[handle] === tick ? (shards.historyIndex[handle] as number) : 0;
    bins[from + NAMING] = recencyBin(back) * STATUSES + status;
    return (named * 2 + (back > 0 ? 1 : 0)) * STATUSES + status;
  }

  #learnFrom(at: number): void {
    const log = this.#log;
    const shards = this.#shards;
    const handle = shards.resolve(log.reference[at] as number);
    if (handle === 0) return;
    const since = log.tick[at] as number;
    const first = this.#firstDemand(handle, since);
    const delay = first === 0 ? 0 : this.#timeOf(handle, first, at) - (log.time[at] as number);
    const label = first !== 0 && (this.fillMs === 0 || delay > this.fillMs) ? 1 : 0;
    const urgent =
      label === 1 && first <= this.#streams.tickAfter(log.stream[at] as number, log.steps[at] as number)
        ? 1
        : 0;
    const from = at * N;
    this.#wanted.learn(log.bins, from, log.set[at] as number, label);
    // Residents need no prefetch, so nobody asks how urgent they are.
    if ((log.set[at] as number) % STATUSES !== 0)
      this.#urgent.learn(log.bins, from, log.set[at] as number, urgent);
    this.#calibrator.learn(log.calibrationBin[at] as number, label);
    const mapBin = log.mapBin[at] as number;
    if (mapBin >= 0) this.#map.learn(mapBin, label);
    this.reliability.add(log.probability[at] as number, label);
    if (label === 1) this.arrival.add(millis(delay));
    this.onOutcome?.(log.probability[at] as number, label);
  }

  /** Tick of the first demand after `since`, as far as the last three tell; 0 if there was none. */
  #firstDemand(handle: number, since: number): number {
    const shards = this.#shards;
    let first = shards.last[handle] as number;
    if (first <= since) return 0;
    for (const gap of [shards.gap[handle] as number, shards.gap2[handle] as number]) {
      if (gap === 0 || first - gap <= since) break;
      first -= gap;
    }
    return first;
  }

  /** Time of a demand at `tick`, the last or one between the prediction in entry `at` and the last: interpolated. */
  #timeOf(handle: number, tick: number, at: number): number {
    const last = this.#shards.last[handle] as number;
    const lastMs = this.#shards.lastMs[handle] as number;
    if (tick === last) return lastMs;
    const since = this.#log.tick[at] as number;
    const sinceMs = this.#log.time[at] as number;
    return sinceMs + ((lastMs - sinceMs) * (tick - since)) / (last - since);
  }
}

const makeMixer = (): BinnedMixer =>
  new BinnedMixer({
    bins: [...Array<number>(NAMING).fill(ROW_BINS * STATUSES), RECENCY_BINS * STATUSES],
    sets: SETS,
    initialWeight: INITIAL_WEIGHT,
    learningRate: 0.003,
    binRate: 0.004,
    prior: (input, bin) => (input < NAMING ? priorOfBin(bin % ROW_BINS) : 0.05),
  });
