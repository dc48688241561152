/**
 * A 2×2 table of how often A was followed by B among `total` occasions: `both` of them, A on `first`, B following
 * `second`. Counts may be decayed and fractional.
 */
export interface Contingency {
  readonly both: number;
  readonly first: number;
  readonly second: number;
  readonly total: number;
}

/** A table of these counts. Bounded summaries lose a little on either side: margins are at least what they must be. */
export function contingency(both: number, seen: number, followed: number, total: number): Contingency {
  const first = Math.max(seen, both);
  const second = Math.max(followed, both);
  return { both, first, second, total: Math.max(total, first + second - both) };
}

/** Co-occurrence must beat chance by this factor... */
const MIN_LIFT = 1.2;
/** ...and be no accident: χ² with one degree of freedom at p = 0.001. */
const MIN_G2 = 10.83;

/** How many times more often B follows A than it would by chance; 0 while nothing is known. */
export function lift({ both, first, second, total }: Contingency): number {
  const expected = first * second;
  return expected > 0 ? (both * total) / expected : 0;
}

/** Dunning's log-likelihood ratio G² (1993): sound for rare pairs, where χ² itself is not. */
export function g2({ both, first, second, total }: Contingency): number {
  const cell = (observed: number, row: number, column: number): number =>
    observed > 0 && row > 0 && column > 0 ? observed * Math.log((observed * total) / (row * column)) : 0;
  const onlyFirst = Math.max(0, first - both);
  const onlySecond = Math.max(0, second - both);
  const neither = Math.max(0, total - first - second + both);
  const sum =
    cell(both, first, second) +
    cell(onlyFirst, first, total - second) +
    cell(onlySecond, total - first, second) +
    cell(neither, total - first, total - second);
  return Math.max(0, 2 * sum);
}

/** Phi, Pearson's coefficient of two yes/no variables, in [−1, 1]; 0 where undefined. */
export function phi({ both, first, second, total }: Contingency): number {
  const spread = Math.sqrt(first * Math.max(0, total - first) * second * Math.max(0, total - second));
  // What rounding leaves of a margin that is all, or nothing, says nothing.
  if (!(spread > 1e-6 * total * total)) return 0;
  return Math.max(-1, Math.min(1, (both * total - first * second) / spread));
}

/** Whether a pair may be acted upon: it beats chance, and not by accident. */
export const isSignificant = (table: Contingency): boolean => lift(table) > MIN_LIFT && g2(table) > MIN_G2;
