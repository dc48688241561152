import { BinnedMixer, fromLogOdds, type MixerState } from "../learning/binned-mixer.ts";
import { ELSEWHERE, RESIDENT, type ShardTable } from "../learning/shard-table.ts";
import { Calibrator } from "./calibrator.ts";
import { type Candidates, MAX_CANDIDATES } from "./candidates.ts";
import { EXPERTS, type Expert, INPUTS, NAMING_EXPERTS } from "./experts.ts";
import type { PredictionLog } from "./prediction-log.ts";
import { ABSENT_BINS, priorOfBin, ROW_BINS } from "./row-bins.ts";

/** Resident, known but not resident, never seen: three populations whose predictions come true at different rates. */
const STATUSES = 3;
const RESIDENTS = 0;
const RECENCY_BINS = 7;
/** Weight sets: number of experts that name the candidate, in the user's history or not, status. */
const SETS = 16 * STATUSES;
/** Inputs overlap, so that weights that would add up independent evidence (1 each) count it several times over. */
const INITIAL_WEIGHT = 0.17;
/** Labels after which a weight set is left to itself. */
const GROWN_UP = 200;

/** What an {@link ExpertMixture} has learned. */
export interface MixtureState {
  readonly wanted: MixerState;
  readonly urgent: MixerState;
  readonly calibrator: Float32Array;
}

const recencyBin = (back: number): number =>
  back < 4 ? (back === 0 ? 0 : back < 2 ? 1 : 2) : back < 12 ? (back < 7 ? 3 : 4) : back < 20 ? 5 : 6;

/**
 * Weighs what the experts say of the candidates: two logistic mixtures give the probability that a candidate is wanted
 * within the horizon, and that it is wanted before this user's next step (waiting for which would be too late). What
 * was taken down in the log is learned from when its outcome is known. O(experts) per candidate.
 */
export class ExpertMixture {
  readonly #shards: ShardTable;
  readonly #candidates: Candidates;
  readonly #wanted = makeMixer();
  readonly #urgent = makeMixer();
  readonly #calibrator = new Calibrator(STATUSES);
  /** Of each candidate, the weight set and the bin of the second look. */
  readonly #sets = new Uint8Array(MAX_CANDIDATES);
  readonly #calibrationBins = new Int16Array(MAX_CANDIDATES);

  constructor(shards: ShardTable, candidates: Candidates) {
    this.#shards = shards;
    this.#candidates = candidates;
  }

  get bytes(): number {
    return this.#wanted.bytes + this.#urgent.bytes;
  }

  /** Probability that candidate `index`, all that is said of it said, is wanted within the horizon. */
  probability(index: number, tick: number): number {
    const status = this.#statusOf(this.#candidates.handles[index] as number);
    const set = this.#describe(index, status, tick);
    const odds = this.#wanted.mix(this.#candidates.bins, index * INPUTS, set);
    const bin = this.#calibrator.binOf(odds, status);
    this.#sets[index] = set;
    this.#calibrationBins[index] = bin;
    return this.#young(index, this.#calibrator.correct(odds, bin), set);
  }

  /** Probability that candidate `index` is wanted before this user's next step; `wanted`: within the horizon. */
  urgency(index: number, wanted: number): number {
    const set = this.#sets[index] as number;
    const mixed = fromLogOdds(this.#urgent.mix(this.#candidates.bins, index * INPUTS, set));
    const trust = Math.min(1, this.#urgent.labels(set) / GROWN_UP);
    return trust * mixed + (1 - trust) * wanted;
  }

  /** Whether candidate `index` was resident when its probability was asked for. */
  isResident(index: number): boolean {
    return (this.#sets[index] as number) % STATUSES === RESIDENTS;
  }

  /** The naming expert that alone thinks most of candidate `index`. */
  bestExpert(index: number): Expert {
    let best = 0;
    let bestRate = -1;
    for (let e = 0; e < NAMING_EXPERTS; e++) {
      const rate = this.#rateOf(index, e);
      if (rate > bestRate) [best, bestRate] = [e, rate];
    }
    return EXPERTS[best] as Expert;
  }

  /** Takes down in entry `at` what candidate `index` looks like. */
  takeDown(index: number, log: PredictionLog, at: number): void {
    for (let e = 0; e < INPUTS; e++)
      log.bins[at * INPUTS + e] = this.#candidates.bins[index * INPUTS + e] as number;
    log.set[at] = this.#sets[index] as number;
    log.calibrationBin[at] = this.#calibrationBins[index] as number;
  }

  /** Learns that what entry `at` tells of was wanted (1) or not (0), and whether before the user's next step. */
  learn(log: PredictionLog, at: number, label: number, urgent: number): void {
    const set = log.set[at] as number;
    this.#wanted.learn(log.bins, at * INPUTS, set, label);
    // Residents need no prefetch, so nobody asks how urgent they are.
    if (set % STATUSES !== RESIDENTS) this.#urgent.learn(log.bins, at * INPUTS, set, urgent);
    this.#calibrator.learn(log.calibrationBin[at] as number, label);
  }

  toState(): MixtureState {
    return {
      wanted: this.#wanted.toState(),
      urgent: this.#urgent.toState(),
      calibrator: this.#calibrator.toState(),
    };
  }

  /** Labels learned from, as far as they are counted. */
  get experience(): number {
    return this.#wanted.experience;
  }

  /** Whether a state is of a mixture of the same experts. */
  fits({ wanted, urgent, calibrator }: MixtureState): boolean {
    return this.#wanted.fits(wanted) && this.#urgent.fits(urgent) && this.#calibrator.fits(calibrator);
  }

  restore(state: MixtureState): void {
    this.#wanted.restore(state.wanted);
    this.#urgent.restore(state.urgent);
    this.#calibrator.restore(state.calibrator);
  }

  #statusOf(handle: number): number {
    const state = this.#shards.state[handle];
    if (state === RESIDENT || state === ELSEWHERE) return RESIDENTS;
    return this.#shards.count[handle] === 0 ? 2 : 1;
  }

  /** While a weight set has learned little, the most confident expert alone has its say, too. */
  #young(index: number, mixed: number, set: number): number {
    const labels = this.#wanted.labels(set);
    if (labels >= GROWN_UP) return mixed;
    let best = 0;
    for (let e = 0; e < NAMING_EXPERTS; e++) best = Math.max(best, this.#rateOf(index, e));
    const trust = labels / GROWN_UP;
    return trust * mixed + (1 - trust) * Math.max(mixed, best);
  }

  /** What expert `e` alone makes of candidate `index`; −1 when it does not name it. */
  #rateOf(index: number, e: number): number {
    const bin = this.#candidates.bins[index * INPUTS + e] as number;
    return bin % ROW_BINS < ABSENT_BINS ? -1 : this.#wanted.rateOf(e, bin);
  }

  /** Completes the bins of candidate `index`; returns its weight set. */
  #describe(index: number, status: number, tick: number): number {
    const shards = this.#shards;
    const { bins, handles } = this.#candidates;
    const from = index * INPUTS;
    let named = 0;
    for (let e = 0; e < NAMING_EXPERTS; e++) {
      const bin = bins[from + e] as number;
      if (bin >= ABSENT_BINS) named++;
      bins[from + e] = bin + ROW_BINS * status;
    }
    const handle = handles[index] as number;
    const back = shards.historyMark[handle] === tick ? (shards.historyIndex[handle] as number) : 0;
    bins[from + NAMING_EXPERTS] = recencyBin(back) * STATUSES + status;
    return (named * 2 + (back > 0 ? 1 : 0)) * STATUSES + status;
  }
}

const makeMixer = (): BinnedMixer =>
  new BinnedMixer({
    bins: [...Array<number>(NAMING_EXPERTS).fill(ROW_BINS * STATUSES), RECENCY_BINS * STATUSES],
    sets: SETS,
    initialWeight: INITIAL_WEIGHT,
    learningRate: 0.003,
    binRate: 0.004,
    prior: (input, bin) => (input < NAMING_EXPERTS ? priorOfBin(bin % ROW_BINS) : 0.05),
  });
