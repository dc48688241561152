/** Log-odds stay within ±8 (p from 0.0003 to 0.9997): beyond that, more evidence changes no decision. */
const LOG_ODDS_LIMIT = 8;
/** First step of a bin's rate is 1/1.6: nearly believes its first label, but never quite. */
const FIRST_LABEL = 1.6;
const MAX_SEEN = 65_535;

/** Steps of the tables below: fine enough that no decision changes, small enough to stay in the processor's cache. */
const ODDS_STEPS = 4_096;
const UNIT_STEPS = 256;
const ODDS_MIDDLE = LOG_ODDS_LIMIT * UNIT_STEPS;

const limited = (x: number): number => Math.min(LOG_ODDS_LIMIT, Math.max(-LOG_ODDS_LIMIT, x));

const ODDS = Float32Array.from({ length: ODDS_STEPS + 1 }, (_, i) => {
  const p = Math.min(ODDS_STEPS - 0.5, Math.max(0.5, i)) / ODDS_STEPS;
  return limited(Math.log(p / (1 - p)));
});
const PROBABILITIES = Float32Array.from(
  { length: 2 * ODDS_MIDDLE + 1 },
  (_, i) => 1 / (1 + Math.exp((ODDS_MIDDLE - i) / UNIT_STEPS)),
);

/** Log-odds of `p`, limited; by table, since it is asked for some hundred times per event. O(1). */
export function logOdds(p: number): number {
  return ODDS[(p * ODDS_STEPS + 0.5) | 0] as number;
}

/** The inverse of {@link logOdds}, by table. O(1). */
export function fromLogOdds(x: number): number {
  const i = (x * UNIT_STEPS + ODDS_MIDDLE + 0.5) | 0;
  return PROBABILITIES[i < 0 ? 0 : Math.min(i, 2 * ODDS_MIDDLE)] as number;
}

/** How a {@link BinnedMixer} learns. */
export interface MixerOptions {
  /** Bins of each input. */
  readonly bins: readonly number[];
  /** Number of weight sets; the caller picks one per prediction. */
  readonly sets: number;
  /** Weight every input starts with. */
  readonly initialWeight: number;
  /** Step of the weights. */
  readonly learningRate: number;
  /** Slowest step of a bin's rate: 1/this is about how many labels it remembers. */
  readonly binRate: number;
  /** Probability an unseen bin starts with. */
  readonly prior: (input: number, bin: number) => number;
}

/** What a {@link BinnedMixer} has learned. */
export interface MixerState {
  readonly rates: Float32Array;
  readonly seen: Uint16Array;
  readonly weights: Float32Array;
  readonly labels: Uint16Array;
}

/**
 * Says how probable a yes/no outcome is from several binned features: each bin keeps the rate of "yes" it has seen,
 * and the bins' log-odds are added with learned weights (logistic mixing: Mahoney, "Adaptive weighing of context
 * models for lossless data compression", 2005). A bin's rate moves by 1/n at first and by `binRate` later, so that it
 * follows change. Predicting and learning are O(inputs); nothing is allocated.
 */
export class BinnedMixer {
  readonly inputs: number;
  readonly #offsets: Int32Array;
  readonly #rates: Float32Array;
  /** The log-odds of `#rates`, kept so that predicting takes no logarithm. */
  readonly #odds: Float32Array;
  readonly #seen: Uint16Array;
  readonly #weights: Float32Array;
  /** Labels each weight set has learned from, up to a limit. */
  readonly #labels: Uint16Array;
  readonly #learningRate: number;
  readonly #binRate: number;

  constructor(options: MixerOptions) {
    this.inputs = options.bins.length;
    this.#learningRate = options.learningRate;
    this.#binRate = options.binRate;
    this.#offsets = new Int32Array(this.inputs);
    let total = 0;
    options.bins.forEach((count, input) => {
      this.#offsets[input] = total;
      total += count;
    });
    this.#rates = new Float32Array(total);
    options.bins.forEach((count, input) => {
      for (let bin = 0; bin < count; bin++)
        this.#rates[(this.#offsets[input] as number) + bin] = options.prior(input, bin);
    });
    this.#odds = this.#rates.map(logOdds);
    this.#seen = new Uint16Array(total);
    this.#labels = new Uint16Array(options.sets);
    this.#weights = new Float32Array(options.sets * this.inputs).fill(options.initialWeight);
  }

  /** Bytes of the learned tables. */
  get bytes(): number {
    return this.#rates.byteLength * 2 + this.#seen.byteLength + this.#weights.byteLength;
  }

  /** Log-odds for the bins at `bins[from …]`, each counted within its own input. */
  mix(bins: Int16Array, from: number, set: number): number {
    let sum = 0;
    const w = set * this.inputs;
    for (let i = 0; i < this.inputs; i++) {
      const bin = (this.#offsets[i] as number) + (bins[from + i] as number);
      sum += (this.#weights[w + i] as number) * (this.#odds[bin] as number);
    }
    return sum;
  }

  /** Learns that the outcome for these bins was `label` (0 or 1). */
  learn(bins: Int16Array, from: number, set: number, label: number): void {
    const step = (label - fromLogOdds(this.mix(bins, from, set))) * this.#learningRate;
    const labels = this.#labels[set] as number;
    if (labels < MAX_SEEN) this.#labels[set] = labels + 1;
    const w = set * this.inputs;
    for (let i = 0; i < this.inputs; i++) {
      const bin = (this.#offsets[i] as number) + (bins[from + i] as number);
      this.#weights[w + i] = (this.#weights[w + i] as number) + step * (this.#odds[bin] as number);
      this.#learnBin(bin, label);
    }
  }

  /** Labels the weight set has learned from, up to 65,535. */
  labels(set: number): number {
    return this.#labels[set] as number;
  }

  /** Labels learned from in all, as far as they are counted. O(sets). */
  get experience(): number {
    return this.#labels.reduce((sum, labels) => sum + labels, 0);
  }

  /** What one input alone says: the rate of its bin. */
  rateOf(input: number, bin: number): number {
    return this.#rates[(this.#offsets[input] as number) + bin] as number;
  }

  /** A copy of what was learned. */
  toState(): MixerState {
    return {
      rates: this.#rates.slice(),
      seen: this.#seen.slice(),
      weights: this.#weights.slice(),
      labels: this.#labels.slice(),
    };
  }

  /** Whether a state is of a mixer of the same options. */
  fits({ rates, seen, weights, labels }: MixerState): boolean {
    return (
      rates.length === this.#rates.length &&
      seen.length === this.#seen.length &&
      weights.length === this.#weights.length &&
      labels.length === this.#labels.length
    );
  }

  /** Takes over what another mixer of the same options learned. Throws a RangeError when the shapes differ. */
  restore(state: MixerState): void {
    if (!this.fits(state)) throw new RangeError("this state is of a mixer with other inputs");
    this.#rates.set(state.rates);
    this.#seen.set(state.seen);
    this.#weights.set(state.weights);
    this.#labels.set(state.labels);
    for (let bin = 0; bin < this.#rates.length; bin++) this.#odds[bin] = logOdds(this.#rates[bin] as number);
  }

  #learnBin(bin: number, label: number): void {
    const seen = this.#seen[bin] as number;
    const rate = this.#rates[bin] as number;
    const step = 1 / (seen + FIRST_LABEL);
    const next = rate + (label - rate) * Math.max(step, this.#binRate);
    this.#rates[bin] = next;
    this.#odds[bin] = logOdds(next);
    if (seen < MAX_SEEN) this.#seen[bin] = seen + 1;
  }
}
