import { DAY, MINUTE } from "../units.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";

/** What is going on now. */
export const SHORT_TERM = 5 * MINUTE;
/** What last week was like. */
export const LONG_TERM = 7 * DAY;
/** Seasons repeat weekly: four weeks are remembered. */
export const SEASON_TERM = 28 * DAY;

/** e^60 still fits single precision; beyond it the landmark moves. */
const MAX_EXPONENT = 60;

/**
 * Exponentially decayed counts without a time stamp of their own: forward decay (Cormode, Shkapenyuk, Srivastava and
 * Xu 2009). A count is stored as Σ amount·e^((t−landmark)/τ) and read as that times e^((landmark−now)/τ), which is
 * the same as decaying it all the while. So counts merge by plain addition in any order, never shrink (their order
 * holds without being decayed), and one exponential serves a whole report.
 */
export class ForwardDecay {
  readonly tau: number;
  #landmark: number | undefined;

  constructor(tau: number, landmark?: number) {
    this.tau = tau;
    this.#landmark = landmark;
  }

  /** The time that stored counts are relative to; none before the first. */
  get landmark(): number | undefined {
    return this.#landmark;
  }

  /**
   * To be called before counting at `time`. What is stored has to be multiplied by the answer: 1, except every sixty
   * time constants, when the landmark moves. O(1).
   */
  advance(time: number): number {
    if (this.#landmark === undefined) this.#landmark = time;
    const exponent = (time - this.#landmark) / this.tau;
    if (exponent <= MAX_EXPONENT) return 1;
    this.#landmark = time;
    return Math.exp(-exponent);
  }

  /** What one occurrence at `time` adds to a stored count. */
  weight(time: number): number {
    return Math.exp((time - (this.#landmark ?? time)) / this.tau);
  }

  /** What a stored count is to be multiplied by to be read at `now`. */
  fade(now: number): number {
    return Math.exp(((this.#landmark ?? now) - now) / this.tau);
  }
}

/** What one occurrence adds, and at which time: computed once for a report. */
export interface Moment {
  readonly time: number;
  readonly short: number;
  readonly long: number;
  readonly season: number;
}

/** Stored counts that are multiplied when a landmark moves. */
export interface Rescalable {
  rescale(short: number, long: number, season: number): void;
}

/** The three time scales everything in the model is counted at. */
export class TimeScales {
  readonly short: ForwardDecay;
  readonly long: ForwardDecay;
  readonly season: ForwardDecay;

  constructor(landmarks: { short?: number; long?: number; season?: number } = {}) {
    this.short = new ForwardDecay(SHORT_TERM, landmarks.short);
    this.long = new ForwardDecay(LONG_TERM, landmarks.long);
    this.season = new ForwardDecay(SEASON_TERM, landmarks.season);
  }

  write(writer: ByteWriter): void {
    for (const { landmark } of [this.short, this.long, this.season]) writer.float(landmark ?? Number.NaN);
  }

  static read(reader: ByteReader): TimeScales {
    const [short, long, season] = [reader.float(), reader.float(), reader.float()];
    return Number.isNaN(short) ? new TimeScales() : new TimeScales({ short, long, season });
  }

  /** Weights for counting at `time`; rescales what is stored where a landmark had to move. O(1), rarely O(stored). */
  at(time: number, stored: readonly Rescalable[]): Moment {
    const short = this.short.advance(time);
    const long = this.long.advance(time);
    const season = this.season.advance(time);
    if (short !== 1 || long !== 1 || season !== 1)
      for (const counts of stored) counts.rescale(short, long, season);
    return {
      time,
      short: this.short.weight(time),
      long: this.long.weight(time),
      season: this.season.weight(time),
    };
  }

  /** What stored counts are multiplied by to be read at `now`. */
  fadeAt(now: number): Moment {
    return {
      time: now,
      short: this.short.fade(now),
      long: this.long.fade(now),
      season: this.season.fade(now),
    };
  }
}

/** Multiplies the first `length` numbers. */
export function multiply(values: Float64Array | Float32Array, factor: number, length = values.length): void {
  for (let i = 0; i < length; i++) values[i] = (values[i] as number) * factor;
}
