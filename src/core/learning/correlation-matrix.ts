import { add, type DecayedCount, newCount, valuesAt } from "./decayed-count.ts";

/** How strongly `next` follows `type`: the phi coefficient in [-1, 1], with the evidence behind it. */
export interface Correlation {
  readonly type: string;
  readonly next: string;
  readonly coefficient: number;
  readonly count: number;
}

export type MatrixState = readonly (readonly [type: string, next: string, long: number, at: number])[];

/** Pairs kept; event types are few, and a caller that invents them endlessly must not fill the memory. */
const MAX_PAIRS = 4_096;
const SEPARATOR = "\u0000";

/** Correlation matrix between event types, from decayed counts of which type followed which, user by user. */
export class CorrelationMatrix {
  readonly #pairs = new Map<string, DecayedCount>();

  /** Counts `amount` times that an event of type `next` came after one of `type`. O(1). */
  observe(type: string, next: string, amount: number, time: number): void {
    const key = type + SEPARATOR + next;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      if (this.#pairs.size >= MAX_PAIRS) return;
      pair = newCount(time);
      this.#pairs.set(key, pair);
    }
    add(pair, amount, time);
  }

  /** All coefficients, the strongest first. O(pairs). */
  correlations(time: number): readonly Correlation[] {
    const cells = [...this.#pairs].map(([key, pair]) => {
      const [type = "", next = ""] = key.split(SEPARATOR);
      return { type, next, count: valuesAt(pair, time).long };
    });
    const total = cells.reduce((sum, cell) => sum + cell.count, 0);
    const before = sumBy(cells, (cell) => cell.type);
    const after = sumBy(cells, (cell) => cell.next);
    return cells
      .map((cell) => ({
        ...cell,
        coefficient: phi(cell.count, before.get(cell.type) ?? 0, after.get(cell.next) ?? 0, total),
      }))
      .sort((a, b) => b.coefficient - a.coefficient);
  }

  toState(): MatrixState {
    return [...this.#pairs].map(([key, pair]) => {
      const [type = "", next = ""] = key.split(SEPARATOR);
      return [type, next, pair.long, pair.at] as const;
    });
  }

  static fromState(state: MatrixState): CorrelationMatrix {
    const matrix = new CorrelationMatrix();
    for (const [type, next, long, at] of state)
      matrix.#pairs.set(type + SEPARATOR + next, { short: 0, long, at });
    return matrix;
  }
}

/** Phi coefficient of a 2×2 table given one cell, its row and column sums and the total; 0 where undefined. */
function phi(both: number, row: number, column: number, total: number): number {
  const spread = Math.sqrt(row * (total - row) * column * (total - column));
  return spread > 1e-9 ? Math.max(-1, Math.min(1, (both * total - row * column) / spread)) : 0;
}

function sumBy<T extends { count: number }>(
  cells: readonly T[],
  key: (cell: T) => string,
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const cell of cells) sums.set(key(cell), (sums.get(key(cell)) ?? 0) + cell.count);
  return sums;
}
