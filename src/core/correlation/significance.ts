/** A pair must be this much more frequent than chance. */
export const MIN_LIFT = 1.2;
/** 99.9 % quantile of χ² with one degree of freedom. */
export const MIN_G2 = 10.83;

/** How often two things happened together and apart: the 2×2 table by its margins. */
export interface PairCounts {
  /** Both. */
  readonly both: number;
  readonly first: number;
  readonly second: number;
  /** All cases. */
  readonly all: number;
}

/** P(second | first) ÷ P(second); 1 is chance, 0 when nothing is known. O(1). */
export function lift({ both, first, second, all }: PairCounts): number {
  return first > 0 && second > 0 ? (both * all) / (first * second) : 0;
}

/**
 * Log-likelihood ratio G² of the 2×2 table (Dunning, "Accurate methods for the statistics of surprise and coincidence",
 * 1993): unlike χ² it holds for rare events. O(1).
 */
export function logLikelihoodRatio(pair: PairCounts): number {
  const both = Math.max(0, Math.min(pair.both, pair.first, pair.second));
  const firstOnly = pair.first - both;
  const secondOnly = pair.second - both;
  const neither = Math.max(0, pair.all - both - firstOnly - secondOnly);
  const all = both + firstOnly + secondOnly + neither;
  const term = (n: number, row: number, column: number): number =>
    n > 0 ? n * Math.log((n * all) / (row * column)) : 0;
  const sum =
    term(both, both + firstOnly, both + secondOnly) +
    term(firstOnly, both + firstOnly, firstOnly + neither) +
    term(secondOnly, secondOnly + neither, both + secondOnly) +
    term(neither, secondOnly + neither, firstOnly + neither);
  return Math.max(0, 2 * sum);
}

/** φ coefficient, the correlation of two yes/no variables: −1 to 1; 0 when either is constant. O(1). */
export function phi({ both, first, second, all }: PairCounts): number {
  const spread = first * (all - first) * second * (all - second);
  if (!(spread > 0)) return 0;
  return Math.max(-1, Math.min(1, (both * all - first * second) / Math.sqrt(spread)));
}

/** Whether the pair occurs together more often than chance explains. O(1). */
export const isSignificant = (pair: PairCounts): boolean =>
  lift(pair) > MIN_LIFT && logLikelihoodRatio(pair) > MIN_G2;
