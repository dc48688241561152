import { LocalLevelFilter } from "../learning/local-level-filter.ts";

/** Reads per tick: a dozen ticks make 200 reads, within which a change has to be noticed. */
const READS_PER_TICK = 16;
/** The predictor itself gets over a change within a few ticks; the watch has to notice before. */
const HURRY = 0.4;

/**
 * Notices when the pattern of reads changes: how many of {@link READS_PER_TICK} reads nobody saw coming leaves
 * its level significantly. O(1) per read.
 */
export class PatternWatch {
  readonly #surprises = new LocalLevelFilter({ innovationRate: HURRY, poisson: false, settling: 5 });
  #reads = 0;
  #surprised = 0;
  #changed = false;

  /** A read that was a surprise to this degree, 0 to 1. */
  read(surprise: number): void {
    this.#surprised += surprise;
    if (++this.#reads < READS_PER_TICK) return;
    if (this.#surprises.observe(this.#surprised)) this.#changed = true;
    this.#reads = this.#surprised = 0;
  }

  /** Whether the pattern changed since this was last asked. */
  takeChange(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }
}
