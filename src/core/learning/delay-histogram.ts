import { type Millis, millis } from "../units.ts";

/** Bins of a {@link DelayHistogram}: the last begins at some twelve days. */
const BINS = 32;
/** At this many delays the counts are halved, so that the distribution follows change. */
const HALVE_AT = 4_096;

/** The bin of a delay in ms: 0 for less than 1 ms, then one for each doubling, the last for all above. O(1). */
export const delayBin = (delay: number, bins: number): number =>
  delay < 1 ? 0 : Math.min(bins - 1, 32 - Math.clz32(Math.min(delay, 0x7fffffff)));

const startOf = (bin: number): number => (bin === 0 ? 0 : 2 ** (bin - 1));

/**
 * The delay in ms by which `share` of what was counted had come, interpolated within its bin; undefined while nothing
 * was. Histograms lie one after the other in `counts`, this one from `from`. O(bins).
 */
export function delayQuantile(
  counts: ArrayLike<number>,
  from: number,
  bins: number,
  share: number,
): number | undefined {
  let total = 0;
  for (let bin = 0; bin < bins; bin++) total += counts[from + bin] as number;
  if (!(total > 0)) return undefined;
  let left = share * total;
  for (let bin = 0; bin < bins; bin++) {
    const n = counts[from + bin] as number;
    if (n > 0 && left <= n) return startOf(bin) + (startOf(bin + 1) - startOf(bin)) * (left / n);
    left -= n;
  }
  return startOf(bins);
}

/**
 * How long it takes until what was predicted arrives: a decayed histogram of delays, one bin for each doubling of the
 * milliseconds. Adding is O(1), asking O(bins).
 */
export class DelayHistogram {
  readonly #counts = new Float64Array(BINS);
  #total = 0;

  /** Counts an arrival after `delay`. */
  add(delay: Millis): void {
    const bin = delayBin(delay, BINS);
    this.#counts[bin] = (this.#counts[bin] as number) + 1;
    if (++this.#total < HALVE_AT) return;
    this.#counts.forEach((n, i) => {
      this.#counts[i] = n / 2;
    });
    this.#total /= 2;
  }

  /** The delay by which `share` of the arrivals have come; `otherwise` while nothing is known. */
  quantile(share: number, otherwise: Millis): Millis {
    return millis(delayQuantile(this.#counts, 0, BINS, share) ?? otherwise);
  }

  toState(): Float64Array {
    return this.#counts.slice();
  }

  /** Takes over another's counts. */
  restore(counts: Float64Array): void {
    this.#counts.set(counts);
    this.#total = counts.reduce((sum, n) => sum + n, 0);
  }
}
