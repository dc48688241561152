import { DAY, MINUTE } from "../units.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";

/** What is going on now. */
export const SHORT_TERM = 5 * MINUTE;
/** What last week was like. */
export const LONG_TERM = 7 * DAY;
/** Seasons repeat weekly: four weeks are remembered. */
export const SEASON_TERM = 28 * DAY;
const TERMS = [SHORT_TERM, LONG_TERM, SEASON_TERM] as const;

/** e^60 still fits single precision; beyond it the landmark moves. */
const MAX_EXPONENT = 60;

/** A number for each time scale: what one occurrence adds at a time, or what is stored is multiplied by to be read then. */
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

/**
 * The three time scales everything in the model is counted at. Exponentially decayed counts need no time stamp of their
 * own: forward decay (Cormode, Shkapenyuk, Srivastava and Xu 2009). A count is stored as Σ amount·e^((t−landmark)/τ) and
 * read as that times e^((landmark−now)/τ), which is the same as decaying it all the while. So counts merge by plain
 * addition in any order, never shrink (their order holds without being decayed), and one exponential serves a report.
 */
export class TimeScales {
  /** A landmark for each scale; NaN before the first report. */
  #landmarks = TERMS.map(() => Number.NaN);

  /** Weights for counting at `time`; rescales what is stored where a landmark had to move. O(1), rarely O(stored). */
  at(time: number, stored: readonly Rescalable[]): Moment {
    if (Number.isNaN(this.#landmarks[0])) this.#landmarks = TERMS.map(() => time);
    const exponents = TERMS.map((tau, i) => (time - (this.#landmarks[i] as number)) / tau);
    if (exponents.some((exponent) => exponent > MAX_EXPONENT)) {
      const moves = exponents.map((exponent) => exponent > MAX_EXPONENT);
      const [short = 1, long = 1, season = 1] = exponents.map((x, i) => (moves[i] ? Math.exp(-x) : 1));
      for (const counts of stored) counts.rescale(short, long, season);
      this.#landmarks = this.#landmarks.map((landmark, i) => (moves[i] ? time : landmark));
    }
    return this.#moment(time, 1);
  }

  /** What stored counts are multiplied by to be read at `now`. */
  fadeAt(now: number): Moment {
    return this.#moment(now, -1);
  }

  write(writer: ByteWriter): void {
    for (const landmark of this.#landmarks) writer.float(landmark);
  }

  read(reader: ByteReader): void {
    this.#landmarks = TERMS.map(() => reader.float());
  }

  #moment(time: number, sign: 1 | -1): Moment {
    const [short = 1, long = 1, season = 1] = TERMS.map((tau, i) => {
      const landmark = this.#landmarks[i] as number;
      return Number.isNaN(landmark) ? 1 : Math.exp((sign * (time - landmark)) / tau);
    });
    return { time, short, long, season };
  }
}

/** Multiplies all numbers. */
export function multiply(values: Float64Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * factor;
}
