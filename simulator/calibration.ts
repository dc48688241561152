/** Bins of the reliability diagram for each factor of two; fine enough to see a bend, coarse enough to fill. */
const BINS_PER_OCTAVE = 2;
/** Probabilities below 2⁻¹⁰ share the first bin. */
const OCTAVES = 10;
const BINS = OCTAVES * BINS_PER_OCTAVE + 1;

/** One bin of a reliability diagram. */
export interface ReliabilityBin {
  readonly count: number;
  /** Mean of the probabilities said. */
  readonly said: number;
  /** Share of them that came true. */
  readonly happened: number;
}

/**
 * How good probabilities were, judged one by one after they were said: the Brier score, and the calibration error
 * over logarithmic bins, each weighed by how many fell in it.
 *
 * Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 1950;
 * Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015.
 */
export class Calibration {
  readonly #counts = new Float64Array(BINS);
  readonly #said = new Float64Array(BINS);
  readonly #happened = new Float64Array(BINS);
  #squares = 0;
  #count = 0;

  /** A probability that was said, and whether it came true. */
  add(probability: number, happened: boolean): void {
    const bin = binOf(probability);
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    this.#said[bin] = (this.#said[bin] ?? 0) + probability;
    if (happened) this.#happened[bin] = (this.#happened[bin] ?? 0) + 1;
    this.#squares += (probability - (happened ? 1 : 0)) ** 2;
    this.#count += 1;
  }

  /** Number of probabilities judged. */
  get count(): number {
    return this.#count;
  }

  /** Mean squared error, 0 to 1; undefined before the first. */
  get brier(): number | undefined {
    return this.#count === 0 ? undefined : this.#squares / this.#count;
  }

  /** Mean distance between what was said and what happened, 0 to 1; undefined before the first. */
  get error(): number | undefined {
    if (this.#count === 0) return undefined;
    return this.bins().reduce(
      (sum, bin) => sum + (bin.count / this.#count) * Math.abs(bin.said - bin.happened),
      0,
    );
  }

  /** The reliability diagram: bins that were hit, from improbable to sure. */
  bins(): readonly ReliabilityBin[] {
    return Array.from(this.#counts, (count, bin) => ({
      count,
      said: (this.#said[bin] ?? 0) / count,
      happened: (this.#happened[bin] ?? 0) / count,
    })).filter((bin) => bin.count > 0);
  }
}

const binOf = (probability: number): number => {
  const octavesBelowOne = -Math.log2(Math.max(probability, 2 ** -OCTAVES));
  return BINS - 1 - Math.min(BINS - 1, Math.floor(octavesBelowOne * BINS_PER_OCTAVE));
};
