import { Level } from "../correlation/level.ts";

/** Reads per tick: a dozen ticks make 200 reads, within which a change has to be noticed. */
const READS_PER_TICK = 16;

/**
 * Notices when the pattern of reads changes: the number of reads nobody saw coming, per {@link READS_PER_TICK}, leaves
 * its level significantly. O(1) per read.
 */
export class PatternWatch {
  readonly #surprises = new Level();
  #reads = 0;
  #surprised = 0;
  #changed = false;

  /** A read that had been predicted, or not. */
  read(predicted: boolean): void {
    if (!predicted) this.#surprised++;
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

  /** Whether it changed, without forgetting it. */
  get changed(): boolean {
    return this.#changed;
  }
}
