/** Variance of a level's own movement per tick, and of what is seen around it, both on a logarithmic scale. */
const MOVEMENT = 0.002;
const NOISE = 0.08;
/** After a significant change the level is let move this much faster, until it has settled. */
const MOVEMENT_AFTER_CHANGE = 0.2;
/** Smoothing of the normalised innovation, unless the owner is in more of a hurry: about the last five ticks. */
const INNOVATION_RATE = 0.2;
/** A smoothed normalised innovation above this is a significant change; 1 is what chance gives. */
export const SIGNIFICANT = 3;
/** Ticks before a level is known well enough to call anything a change. */
const SETTLING = 5;

/** What a {@link LocalLevelFilter} knows. */
export interface LocalLevelFilterState {
  readonly level: number;
  readonly variance: number;
  readonly innovation: number;
  readonly ticks: number;
}

/**
 * A level seen through noise: the local-level Kalman filter (Harvey 1989) on log(1 + count per tick). The normalised
 * innovation ν²/S, smoothed, tells when what is seen no longer fits: the pattern has changed. O(1) per tick.
 */
export class LocalLevelFilter {
  readonly #innovationRate: number;
  #level = 0;
  #variance = 1;
  #innovation = 1;
  #ticks = 0;

  /** @param innovationRate smoothing of the innovation, 0 to 1: higher notices sooner, and errs more often. */
  constructor(innovationRate = INNOVATION_RATE) {
    this.#innovationRate = innovationRate;
  }

  /** Takes in the count of one tick; true when it makes for a significant change. */
  observe(count: number): boolean {
    // A silence before the first event is no evidence of a level.
    if (this.#ticks === 0 && count <= 0) return false;
    const seen = Math.log1p(Math.max(0, count));
    if (this.#ticks++ === 0) {
      this.#level = seen;
      return false;
    }
    const predicted = this.#variance + (this.changed ? MOVEMENT_AFTER_CHANGE : MOVEMENT);
    const total = predicted + NOISE;
    const surprise = seen - this.#level;
    const gain = predicted / total;
    this.#level += gain * surprise;
    this.#variance = (1 - gain) * predicted;
    const before = this.changed;
    this.#innovation += ((surprise * surprise) / total - this.#innovation) * this.#innovationRate;
    return this.changed && !before;
  }

  /** Expected count per tick. */
  get rate(): number {
    return Math.expm1(this.#level);
  }

  /** Smoothed normalised innovation; about 1 while all is as usual. */
  get innovation(): number {
    return this.#innovation;
  }

  /** Whether the level is in the middle of a significant change. */
  get changed(): boolean {
    return this.#ticks > SETTLING && this.#innovation > SIGNIFICANT;
  }

  toState(): LocalLevelFilterState {
    return { level: this.#level, variance: this.#variance, innovation: this.#innovation, ticks: this.#ticks };
  }

  static fromState(state: LocalLevelFilterState): LocalLevelFilter {
    const level = new LocalLevelFilter();
    level.#level = state.level;
    level.#variance = state.variance;
    level.#innovation = state.innovation;
    level.#ticks = state.ticks;
    return level;
  }
}
