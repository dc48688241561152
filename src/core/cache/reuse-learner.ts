import { halfLog2 } from "../hash.ts";
import { BinnedMixer, fromLogOdds } from "../learning/binned-mixer.ts";
import type { ShardTable } from "../learning/shard-table.ts";

/** Ages in half octaves, relative to the turnover: from 1/64 of it or less to 8 times it or more. */
const AGE_BINS = 18;
const AGE_SCALE = 64;
const UNKNOWN_GAP = AGE_BINS;
const COUNT_BINS = 6;
const ORIGINS = 3;
const RATE_BINS = 14;
const PREDICTION_BINS = 7;
const PREDICTION_AGE_BINS = 8;
/** Event types share this many bins. */
const TYPES = 64;
const INPUTS = 6;
/** "Soon" is this share of the cache's turnover: about when a copy that is not wanted would have been evicted. */
const HORIZON_SHARE = 0.35;

const countBin = (n: number): number => (n < 2 ? n : n < 4 ? 2 : n < 8 ? 3 : n < 16 ? 4 : 5);
const rateBin = (rate: number): number => Math.min(RATE_BINS - 1, halfLog2((rate * 16) | 0));
const predictionBin = (p: number): number => {
  if (p < 0.1) return p < 0.01 ? 0 : p < 0.03 ? 1 : 2;
  return p < 0.4 ? (p < 0.2 ? 3 : 4) : p < 0.7 ? 5 : 6;
};

/**
 * Learns how probable it is that a shard is wanted soon, from what is known of it: age, frequency, gaps, event type and
 * what the predictor last said. In the spirit of learning relaxed Belady (Song et al., NSDI 2020), with a mixture of
 * binned rates in place of boosted trees, so that it learns with every event. Asking and observing are O(inputs).
 */
export class ReuseLearner {
  /** Ticks in which the cache turns over once. */
  turnover = 16;
  readonly #shards: ShardTable;
  readonly #mixer = new BinnedMixer({
    bins: [
      AGE_BINS * COUNT_BINS * ORIGINS,
      (AGE_BINS + 1) * AGE_BINS,
      10 * 10 * 9,
      RATE_BINS * RATE_BINS * ORIGINS,
      TYPES * AGE_BINS,
      PREDICTION_BINS * PREDICTION_AGE_BINS * ORIGINS,
    ],
    sets: COUNT_BINS * ORIGINS,
    initialWeight: 0.2,
    learningRate: 0.003,
    binRate: 0.002,
    prior: () => 0.5,
  });
  readonly #bins = new Int16Array(INPUTS);
  readonly #logSize: number;
  readonly #logBins: Int16Array;
  readonly #logReference: Int32Array;
  readonly #logTick: Int32Array;
  readonly #logSet: Uint8Array;
  #head = 0;
  #tail = 0;

  /** @param logSize observations waiting for their outcome, a power of two. */
  constructor(shards: ShardTable, logSize: number) {
    this.#shards = shards;
    this.#logSize = logSize;
    this.#logBins = new Int16Array(logSize * INPUTS);
    this.#logReference = new Int32Array(logSize);
    this.#logTick = new Int32Array(logSize);
    this.#logSet = new Uint8Array(logSize);
  }

  get bytes(): number {
    return this.#mixer.bytes + this.#logBins.byteLength + this.#logSize * 9;
  }

  /** The learned tables, for saving and restoring. */
  get mixer(): BinnedMixer {
    return this.#mixer;
  }

  /** Probability that `handle` is wanted soon. */
  probability(handle: number, tick: number): number {
    const set = this.#describe(handle, tick);
    return fromLogOdds(this.#mixer.mix(this.#bins, 0, set));
  }

  /** Takes down what `handle` looks like now, to learn from when it is known whether it was wanted. */
  observe(handle: number, tick: number): void {
    if (this.#head - this.#tail === this.#logSize) return;
    const at = this.#head++ & (this.#logSize - 1);
    const set = this.#describe(handle, tick);
    for (let i = 0; i < INPUTS; i++) this.#logBins[at * INPUTS + i] = this.#bins[i] as number;
    this.#logReference[at] = this.#shards.reference(handle);
    this.#logTick[at] = tick;
    this.#logSet[at] = set;
  }

  /** Learns from the observations whose outcome is known by now. */
  learn(tick: number): void {
    const due = tick - this.turnover * HORIZON_SHARE;
    for (; this.#tail < this.#head; this.#tail++) {
      const at = this.#tail & (this.#logSize - 1);
      const since = this.#logTick[at] as number;
      if (since > due) return;
      const handle = this.#shards.resolve(this.#logReference[at] as number);
      if (handle === 0) continue;
      const label = (this.#shards.last[handle] as number) > since ? 1 : 0;
      this.#mixer.learn(this.#logBins, at * INPUTS, this.#logSet[at] as number, label);
    }
  }

  #relative(ticks: number): number {
    const bin = halfLog2((ticks * AGE_SCALE) / this.turnover);
    return bin < AGE_BINS ? bin : AGE_BINS - 1;
  }

  /** Fills the bins for `handle` as of `tick`; returns the weight set. */
  #describe(handle: number, tick: number): number {
    const t = this.#shards;
    const bins = this.#bins;
    const last = t.last[handle] as number;
    const admitted = t.admittedAt[handle] as number;
    const age = this.#relative(tick - Math.max(last, admitted));
    const count = countBin(t.count[handle] as number);
    const origin = t.origin[handle] as number;
    const gap = t.gap[handle] as number;
    const gap2 = t.gap2[handle] as number;
    const gapBin = gap === 0 ? UNKNOWN_GAP : this.#relative(gap);
    const gap2Bin = gap2 === 0 ? UNKNOWN_GAP >> 1 : this.#relative(gap2) >> 1;
    const idle = (tick - last) / this.turnover;
    const short = rateBin((t.shortRate[handle] as number) * Math.exp(-idle));
    const long = rateBin((t.longRate[handle] as number) * Math.exp(-idle / 8));
    const predictedAge = Math.min(
      PREDICTION_AGE_BINS - 1,
      halfLog2(tick - (t.predictedAt[handle] as number)) >> 1,
    );
    const prediction = predictionBin(t.predicted[handle] as number);
    bins[0] = (count * ORIGINS + origin) * AGE_BINS + age;
    bins[1] = gapBin * AGE_BINS + age;
    bins[2] = (gap2Bin * 10 + (gapBin >> 1)) * 9 + (age >> 1);
    bins[3] = (short * RATE_BINS + long) * ORIGINS + origin;
    bins[4] = ((t.type[handle] as number) & (TYPES - 1)) * AGE_BINS + age;
    bins[5] = (prediction * PREDICTION_AGE_BINS + predictedAge) * ORIGINS + origin;
    return count * ORIGINS + origin;
  }
}
