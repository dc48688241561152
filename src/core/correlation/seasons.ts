import { type EpochMillis, HOUR } from "../units.ts";

const HOURS = 168;
/** How much of the last seen week's hour goes into its factor: about the last three weeks. */
const RATE = 0.3;
/** The epoch began on a Thursday; hour 0 is Monday 00:00 UTC. */
const EPOCH_OFFSET = 72;
/** Factors stay between these, so that a quiet or a wild hour does not make a forecast absurd. */
const LEAST = 0.05;
const MOST = 20;

/** Hour of the week, 0 (Monday 00:00 UTC) to 167. O(1). */
export const hourOfWeek = (time: EpochMillis): number => (Math.floor(time / HOUR) + EPOCH_OFFSET) % HOURS;

/**
 * How the hours of the week differ: a factor for each, 1 on average, learned by exponential smoothing (the seasonal part
 * of Holt–Winters, 1960). O(1) but for the normalisation, O(168) per hour.
 */
export class Seasons {
  readonly #factors: Float64Array;

  constructor(factors: Float64Array = new Float64Array(HOURS).fill(1)) {
    this.#factors = factors;
  }

  /** Takes in that in the hour of `time` the count was `count`, where `usual` is an average hour's. */
  observe(time: EpochMillis, count: number, usual: number): void {
    if (usual <= 0) return;
    const hour = hourOfWeek(time);
    const factor = this.#factors[hour] as number;
    const seen = Math.min(MOST, Math.max(LEAST, count / usual));
    this.#factors[hour] = factor + (seen - factor) * RATE;
    this.#normalise();
  }

  /** Factor of the hour of `time`. */
  factor(time: EpochMillis): number {
    return this.#factors[hourOfWeek(time)] as number;
  }

  toState(): Float64Array {
    return this.#factors.slice();
  }

  static fromState(factors: Float64Array): Seasons {
    return new Seasons(factors.slice());
  }

  #normalise(): void {
    const mean = this.#factors.reduce((sum, f) => sum + f, 0) / HOURS;
    for (let hour = 0; hour < HOURS; hour++) this.#factors[hour] = (this.#factors[hour] as number) / mean;
  }
}
