import type { EpochMillis } from "../units.ts";
import type { EdgeTable } from "./edge-table.ts";
import { isSignificant, lift, type PairCounts, phi } from "./significance.ts";

/** How one event type goes with another. */
export interface Coefficient {
  readonly type: string;
  /** φ coefficient, −1 to 1. */
  readonly correlation: number;
  readonly lift: number;
}

/** Coefficients between event types: for each type its strongest, significant ones. */
export type CorrelationMatrix = Readonly<Record<string, readonly Coefficient[]>>;

/**
 * The 2×2 table of "the user's next event is of type `second`" against "this one is of type `first`". The second
 * margin is how often `second` occurs at all.
 */
export const pairOf = (
  types: EdgeTable,
  first: string,
  second: string,
  all: number,
  now: EpochMillis,
): PairCounts => ({
  both: types.together(first, second, now),
  first: types.count(first, now),
  second: types.count(second, now),
  all,
});

/** Correlation matrix of event types: of each row the `mostPerRow` strongest significant pairs. O(edges). */
export function correlationMatrix(types: EdgeTable, now: EpochMillis, mostPerRow: number): CorrelationMatrix {
  const names = [...types.names()].sort();
  const all = names.reduce((sum, name) => sum + types.count(name, now), 0);
  const matrix: Record<string, readonly Coefficient[]> = {};
  for (const first of names) {
    const row = types
      .successors(first, now, Number.POSITIVE_INFINITY)
      .map(({ to }) => ({ to, pair: pairOf(types, first, to, all, now) }))
      .filter(({ pair }) => isSignificant(pair))
      .map(({ to, pair }) => ({ type: to, correlation: phi(pair), lift: lift(pair) }))
      .sort((a, b) => b.correlation - a.correlation || (a.type < b.type ? -1 : 1))
      .slice(0, mostPerRow);
    if (row.length > 0) matrix[first] = row;
  }
  return matrix;
}
