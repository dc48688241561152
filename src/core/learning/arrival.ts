import { type Millis, millis } from "../units.ts";

/** Bins 0 … 31: under 1 ms, then one for each doubling, up to some 24 days. */
const BINS = 32;
/** At this many arrivals the counts are halved, so that the distribution follows change. */
const HALVE_AT = 4_096;

/**
 * How long it takes until what was predicted arrives: a decayed histogram of delays, one bin for each doubling of the
 * milliseconds. Adding and asking are O(bins).
 */
export class ArrivalHistogram {
  readonly #counts: Float64Array;
  #total: number;

  constructor(counts: Float64Array = new Float64Array(BINS)) {
    this.#counts = counts;
    this.#total = counts.reduce((sum, n) => sum + n, 0);
  }

  /** Arrivals counted, decayed. */
  get total(): number {
    return this.#total;
  }

  /** Counts an arrival after `delay`, `weight` times. */
  add(delay: Millis, weight = 1): void {
    const bin = binOf(delay);
    this.#counts[bin] = (this.#counts[bin] as number) + weight;
    this.#total += weight;
    if (this.#total >= HALVE_AT) this.scale(0.5);
  }

  /** Multiplies all counts, to let them decay. */
  scale(factor: number): void {
    for (let bin = 0; bin < BINS; bin++) this.#counts[bin] = (this.#counts[bin] as number) * factor;
    this.#total *= factor;
  }

  /** Share of arrivals that take longer than `elapsed`, interpolated within the bin; 1 while nothing is known. */
  survival(elapsed: Millis): number {
    if (this.#total <= 0) return 1;
    const bin = binOf(elapsed);
    let later = 0;
    for (let b = bin + 1; b < BINS; b++) later += this.#counts[b] as number;
    const into = (elapsed - startOf(bin)) / (startOf(bin + 1) - startOf(bin));
    later += (this.#counts[bin] as number) * (1 - Math.min(1, Math.max(0, into)));
    return Math.min(1, later / this.#total);
  }

  /** The delay by which `share` of the arrivals have come; `otherwise` while nothing is known. */
  quantile(share: number, otherwise: Millis): Millis {
    if (this.#total <= 0) return otherwise;
    let left = share * this.#total;
    for (let bin = 0; bin < BINS; bin++) {
      const n = this.#counts[bin] as number;
      if (n > 0 && left <= n) return millis(startOf(bin) + (startOf(bin + 1) - startOf(bin)) * (left / n));
      left -= n;
    }
    return millis(startOf(BINS));
  }

  /**
   * Probability that what was predicted with probability `p` arrives between `from` and `until`, given that it has not
   * arrived `elapsed` after the prediction: p·(S(from)−S(until)) / (1−p+p·S(elapsed)).
   */
  arrivesWithin(p: number, elapsed: Millis, from: Millis, until: Millis): number {
    const gone = this.survival(elapsed);
    const rest = 1 - p + p * gone;
    if (rest <= 0) return 0;
    const within = this.survival(from) - this.survival(until);
    return Math.min(1, Math.max(0, (p * within) / rest));
  }

  toState(): Float64Array {
    return this.#counts.slice();
  }

  /** Takes over another's counts. */
  restore(counts: Float64Array): void {
    this.#counts.set(counts);
    this.#total = counts.reduce((sum, n) => sum + n, 0);
  }

  static fromState(counts: Float64Array): ArrivalHistogram {
    return new ArrivalHistogram(counts.slice());
  }
}

const binOf = (delay: number): number =>
  delay < 1 ? 0 : Math.min(BINS - 1, 1 + Math.floor(Math.log2(delay)));
const startOf = (bin: number): number => (bin === 0 ? 0 : 2 ** (bin - 1));
