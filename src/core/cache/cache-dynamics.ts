import { type Millis, millis } from "../units.ts";

/** Smoothing of the miss rate: about the last 500 reads. */
const MISS_RATE = 0.002;
/** Relative step of the running median of gaps. */
const GAP_STEP = 1.01;
/** Smoothing of the time between events, and of the fill latency. */
const TICK_RATE = 0.001;
const FILL_RATE = 0.05;
/** Smoothing of the size of copies: about the last 100. */
const SIZE_RATE = 0.01;
/** The turnover, in events: shorter than a few residents is noise, longer than this would take hours to learn from. */
const MIN_TURNOVER = 16;
const MAX_TURNOVER = 40_000;
/** The horizon: so many of a user's steps, but a small part of the turnover; see {@link CacheDynamics.horizon}. */
const MIN_HORIZON = 6;
const HORIZON_STEPS = 12;
const HORIZON_SHARE = 0.05;

/** A {@link CacheDynamics} as plain data. */
export interface CacheDynamicsState {
  readonly missRate: number;
  readonly gap: number;
  readonly tickMs: number;
  readonly fillMs: number;
  readonly meanSize: number;
  readonly fills: number;
}

/**
 * The speeds things happen at, in events and in milliseconds: users' gaps, the cache's turnover, fills. All adapt.
 * O(1) per event.
 */
export class CacheDynamics {
  #missRate = 0.5;
  #gap = 1;
  #tickMs = 0;
  #lastTime: number | undefined;
  #fillMs = 0;
  #meanSize = 1;
  #fills = 0;

  /** Usual time between two events. */
  get tickMs(): number {
    return this.#tickMs;
  }

  /** Usual time a prefetch takes to fill. */
  get fillMs(): Millis {
    return millis(this.#fillMs);
  }

  /** An event of a user whose last one was `gap` events ago (0: their first). */
  countEvent(gap: number, time: number): void {
    if (gap > this.#gap) this.#gap *= GAP_STEP;
    else if (gap > 0 && gap < this.#gap) this.#gap = Math.max(1, this.#gap / GAP_STEP);
    if (this.#lastTime !== undefined)
      this.#tickMs += (Math.max(0, time - this.#lastTime) - this.#tickMs) * TICK_RATE;
    this.#lastTime = time;
  }

  toState(): CacheDynamicsState {
    return {
      missRate: this.#missRate,
      gap: this.#gap,
      tickMs: this.#tickMs,
      fillMs: this.#fillMs,
      meanSize: this.#meanSize,
      fills: this.#fills,
    };
  }

  restore(state: CacheDynamicsState): void {
    this.#missRate = state.missRate;
    this.#gap = state.gap;
    this.#tickMs = state.tickMs;
    this.#fillMs = state.fillMs;
    this.#meanSize = state.meanSize;
    this.#fills = state.fills;
  }

  countRead(hit: boolean): void {
    this.#missRate += ((hit ? 0 : 1) - this.#missRate) * MISS_RATE;
  }

  countFill(latency: Millis): void {
    this.#fillMs += (Math.max(0, latency) - this.#fillMs) * FILL_RATE;
  }

  /** A copy of this size came. */
  countSize(size: number): void {
    this.#fills++;
    this.#meanSize += (size - this.#meanSize) * Math.max(1 / this.#fills, SIZE_RATE);
  }

  /** Usual size of a copy. */
  get meanSize(): number {
    return this.#meanSize;
  }

  /** Events in which a cache of this capacity turns over once: how long a copy stays that nobody asks for. */
  turnover(capacity: number): number {
    const shards = capacity / this.#meanSize;
    return Math.min(MAX_TURNOVER, Math.max(MIN_TURNOVER, shards / Math.max(this.#missRate, 1e-4)));
  }

  /**
   * Events within which a prediction must come true, for which an unused prefetched copy is held, and by which it is
   * judged whether to issue it: one and the same, and short, or held copies crowd out the others.
   */
  horizon(turnover: number): number {
    return Math.max(MIN_HORIZON, Math.min(HORIZON_STEPS * this.#gap, HORIZON_SHARE * turnover));
  }
}
