/** Variance of a level's own movement per tick, on the logarithmic scale of the filter. */
const MOVEMENT = 0.003;
/** After a significant change the level is let move this much faster, until it has settled. */
const MOVEMENT_AFTER_CHANGE = 0.3;
/** Variance of what is seen around the level: users come in visits. */
const NOISE = 0.08;
/** One absurd tick must not keep the alarm up for long. */
const MAX_INNOVATION = 30;
/** A smoothed normalised innovation above this is a significant change; 1 is what chance gives. */
const SIGNIFICANT = 3;

/** What differs between the levels that are followed. */
export interface LevelOptions {
  /** Smoothing of the innovation, 0 to 1: higher notices sooner, and errs more often. */
  readonly innovationRate: number;
  /** Whether counts are of independent events, which adds to the noise what a Poisson count has of its own. */
  readonly poisson: boolean;
  /** Ticks before a level is known well enough to call anything a change. */
  readonly settling: number;
}

/** What a {@link LocalLevelFilter} knows; its variance is 0 only while it has seen nothing. */
export interface LevelState {
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
  readonly #options: LevelOptions;
  #level = 0;
  #variance = 0;
  #innovation = 1;
  #ticks = 0;

  constructor(options: LevelOptions, state?: LevelState) {
    this.#options = options;
    if (state === undefined) return;
    this.#level = state.level;
    this.#variance = state.variance;
    this.#innovation = state.innovation;
    this.#ticks = state.ticks;
  }

  /** Takes in the count of one tick; true when it makes for a significant change. */
  observe(count: number): boolean {
    const seen = Math.log1p(Math.max(0, count));
    if (this.#ticks === 0) {
      // A silence before the first event is no evidence of a level.
      if (count <= 0) return false;
      this.#level = seen;
      this.#variance = this.#noise;
      this.#ticks = 1;
      return false;
    }
    const before = this.changed;
    // P←P+Q; K=P/(P+R); x←x+K(y−x); P←(1−K)P.
    const predicted = this.#variance + (before ? MOVEMENT_AFTER_CHANGE : MOVEMENT);
    const total = predicted + this.#noise;
    const surprise = seen - this.#level;
    const gain = predicted / total;
    this.#ticks++;
    this.#level += gain * surprise;
    this.#variance = (1 - gain) * predicted;
    const innovation = Math.min(MAX_INNOVATION, (surprise * surprise) / total);
    this.#innovation += (innovation - this.#innovation) * this.#options.innovationRate;
    return this.changed && !before;
  }

  /** Whether there is a level at all: something has been counted. */
  get begun(): boolean {
    return this.#ticks > 0;
  }

  /** Expected count per tick. */
  get rate(): number {
    return Math.max(0, Math.expm1(this.#level));
  }

  /** Smoothed normalised innovation; about 1 while all is as usual. */
  get innovation(): number {
    return this.#innovation;
  }

  /** Whether the level is in the middle of a significant change. */
  get changed(): boolean {
    return this.#ticks > this.#options.settling && this.#innovation > SIGNIFICANT;
  }

  toState(): LevelState {
    return { level: this.#level, variance: this.#variance, innovation: this.#innovation, ticks: this.#ticks };
  }

  /** Another filter that goes on from here. */
  copy(): LocalLevelFilter {
    return new LocalLevelFilter(this.#options, this.toState());
  }

  /** Variance of log(1 + n) about the level. */
  get #noise(): number {
    return this.#options.poisson ? NOISE + 1 / (2 + Math.expm1(Math.max(0, this.#level))) : NOISE;
  }
}
