/** One bin for each doubling: under 1 ms, then up to 2¹⁴ ms and more, which the lookahead of 30 s ends. */
export const DELAY_BINS = 16;

/** The bin of a delay in ms. O(1). */
export const delayBin = (delay: number): number =>
  delay < 1 ? 0 : Math.min(DELAY_BINS - 1, 32 - Math.clz32(Math.min(delay, 0x7fffffff)));

const startOf = (bin: number): number => (bin === 0 ? 0 : 2 ** (bin - 1));

/** Sum of one histogram's bins; histograms lie one after the other in `bins`, this one from `offset`. */
function total(bins: Float32Array, offset: number): number {
  let sum = 0;
  for (let bin = 0; bin < DELAY_BINS; bin++) sum += bins[offset + bin] as number;
  return sum;
}

/** The delay in ms by which half of what came had come; 0 while nothing is known. O(bins). */
export function medianDelay(bins: Float32Array, offset: number): number {
  let left = total(bins, offset) / 2;
  if (!(left > 0)) return 0;
  for (let bin = 0; bin < DELAY_BINS; bin++) {
    const n = bins[offset + bin] as number;
    if (n > 0 && left <= n) return startOf(bin) + (startOf(bin + 1) - startOf(bin)) * (left / n);
    left -= n;
  }
  return startOf(DELAY_BINS);
}

/** Share of what came that took longer than `elapsed` ms, interpolated within the bin; 1 while nothing is known. */
export function survival(bins: Float32Array, offset: number, elapsed: number): number {
  const all = total(bins, offset);
  if (!(all > 0)) return 1;
  const bin = delayBin(elapsed);
  let later = 0;
  for (let b = bin + 1; b < DELAY_BINS; b++) later += bins[offset + b] as number;
  const into = (elapsed - startOf(bin)) / (startOf(bin + 1) - startOf(bin));
  later += (bins[offset + bin] as number) * (1 - Math.min(1, Math.max(0, into)));
  return Math.min(1, later / all);
}
