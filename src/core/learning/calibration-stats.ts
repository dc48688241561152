/** One bin for each halving of the probability, the last for all below 2⁻⁹. */
const BINS = 10;

/**
 * How good probabilities turned out to be, each judged after it was said: Brier score (1950) and expected calibration
 * error (Naeini et al., AAAI 2015) over bins that halve. Adding is O(1).
 */
export class CalibrationStats {
  readonly #counts: number[] = Array(BINS).fill(0);
  readonly #said: number[] = Array(BINS).fill(0);
  readonly #happened: number[] = Array(BINS).fill(0);
  #squares = 0;

  /** `probability` was said, and the outcome was `label` (0 or 1). */
  add(probability: number, label: number): void {
    const bin =
      probability <= 2 ** -BINS ? BINS - 1 : Math.min(BINS - 1, Math.floor(-Math.log2(probability)));
    this.#counts[bin] = (this.#counts[bin] as number) + 1;
    this.#said[bin] = (this.#said[bin] as number) + probability;
    this.#happened[bin] = (this.#happened[bin] as number) + label;
    this.#squares += (probability - label) ** 2;
  }

  get count(): number {
    return this.#counts.reduce((sum, n) => sum + n, 0);
  }

  /** Mean squared error, 0 to 1; 0 while nothing was judged. */
  get brier(): number {
    return this.count === 0 ? 0 : this.#squares / this.count;
  }

  /** Mean distance between what was said and what happened, bins weighed by their counts, 0 to 1. */
  get error(): number {
    const all = this.count;
    if (all === 0) return 0;
    return (
      this.#said.reduce((sum, said, bin) => sum + Math.abs(said - (this.#happened[bin] as number)), 0) / all
    );
  }
}
