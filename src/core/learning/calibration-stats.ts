/** One bin for each halving of the probability, the last for all below 2⁻⁹. */
const BINS = 10;

/** One bin of a reliability diagram. */
export interface CalibrationStatsBin {
  readonly count: number;
  /** Mean of the probabilities said. */
  readonly said: number;
  /** Share of them that came true. */
  readonly happened: number;
}

/** What a {@link CalibrationStats} has counted; two are merged by adding them up. */
export interface CalibrationStatsState {
  readonly counts: readonly number[];
  readonly said: readonly number[];
  readonly happened: readonly number[];
  readonly squares: number;
}

/**
 * How good probabilities turned out to be, each judged after it was said: Brier score (1950) and expected calibration
 * error (Naeini et al., AAAI 2015) over bins that halve. Adding is O(1).
 */
export class CalibrationStats {
  #counts: number[] = Array(BINS).fill(0);
  #said: number[] = Array(BINS).fill(0);
  #happened: number[] = Array(BINS).fill(0);
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

  /** The diagram's bins that were hit, from sure to improbable. */
  bins(): readonly CalibrationStatsBin[] {
    return this.#counts
      .map((count, bin) => ({
        count,
        said: (this.#said[bin] as number) / count,
        happened: (this.#happened[bin] as number) / count,
      }))
      .filter((bin) => bin.count > 0);
  }

  /** Adds what another has counted. */
  merge(other: CalibrationStatsState): void {
    other.counts.forEach((n, bin) => {
      this.#counts[bin] = (this.#counts[bin] ?? 0) + n;
      this.#said[bin] = (this.#said[bin] ?? 0) + (other.said[bin] ?? 0);
      this.#happened[bin] = (this.#happened[bin] ?? 0) + (other.happened[bin] ?? 0);
    });
    this.#squares += other.squares;
  }

  toState(): CalibrationStatsState {
    return {
      counts: [...this.#counts],
      said: [...this.#said],
      happened: [...this.#happened],
      squares: this.#squares,
    };
  }

  static fromState(state: CalibrationStatsState): CalibrationStats {
    const reliability = new CalibrationStats();
    reliability.merge(state);
    return reliability;
  }
}
