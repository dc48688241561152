import { fromLogOdds } from "../learning/binned-mixer.ts";

/** Bins over log-odds from −8 to 8, half a unit wide. */
const BINS = 33;
const MIDDLE = 16;
const PER_UNIT = 2;
/** 1/this is about how many labels a bin remembers. */
const RATE = 0.01;

/**
 * Second look at a mixture's probabilities: per group of candidates, how often those of about this probability came
 * true. The smaller of the two is believed, since the candidates that pass a threshold are the overrated ones
 * (the winner's curse). O(1).
 */
export class Calibrator {
  readonly #rates: Float32Array;

  /** @param groups number of groups calibrated apart. */
  constructor(groups: number) {
    this.#rates = Float32Array.from({ length: groups * BINS }, (_, i) =>
      fromLogOdds(((i % BINS) - MIDDLE) / PER_UNIT),
    );
  }

  /** Index of the bin for these log-odds in this group. */
  binOf(logOdds: number, group: number): number {
    const bin = Math.round(logOdds * PER_UNIT) + MIDDLE;
    return group * BINS + (bin < 0 ? 0 : bin < BINS ? bin : BINS - 1);
  }

  /** The probability to believe for these log-odds, which fall in `bin`. */
  correct(logOdds: number, bin: number): number {
    const said = fromLogOdds(logOdds);
    const happened = this.#rates[bin] as number;
    return Math.min(happened, said);
  }

  /** Learns that one of `bin` came true (1) or not (0). */
  learn(bin: number, label: number): void {
    this.#rates[bin] = (this.#rates[bin] as number) + (label - (this.#rates[bin] as number)) * RATE;
  }

  toState(): Float32Array {
    return this.#rates.slice();
  }

  /** Whether rates are of a calibrator of as many groups. */
  fits(rates: Float32Array): boolean {
    return rates.length === this.#rates.length;
  }

  /** Takes over what another calibrator of as many groups learned. Throws a RangeError for another number. */
  restore(rates: Float32Array): void {
    if (!this.fits(rates)) throw new RangeError("this state is of a calibrator with other groups");
    this.#rates.set(rates);
  }
}
