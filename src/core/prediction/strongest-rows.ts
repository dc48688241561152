import { type RowColumns, RowWriter } from "./row-columns.ts";
import type { RowTable } from "./row-table.ts";

/** Bytes of a saved row besides its targets, and of a target. */
const ROW_BYTES = 6;
const TARGET_BYTES = 7;

/** A table to save rows of, and what its targets are elsewhere. */
export interface TableToSave {
  readonly table: RowTable;
  /** Bytes that telling elsewhere what a target is would take besides. */
  readonly costOf: (target: number) => number;
  /** What a target is elsewhere; 0 when it is gone. */
  readonly targetOf: (target: number) => number;
}

/**
 * The rows of several tables by which there is most to predict, within `limit` bytes: those first whose most frequent
 * target came most often. O(rows) and, of those saved, O(slots).
 */
export function saveStrongest(tables: readonly TableToSave[], limit: number): readonly RowColumns[] {
  const writers = tables.map(() => new RowWriter());
  let left = limit;
  for (const { index, row } of byStrength(tables)) {
    const { table, costOf, targetOf } = tables[index] as TableToSave;
    left -= costOfRow(table, row, costOf);
    if (left < 0) break;
    table.save(row, writers[index] as RowWriter, targetOf);
  }
  return writers.map((writer) => writer.toColumns());
}

/** The rows in use, the strongest first; of equal ones those of the first table. By counting: O(rows). */
function* byStrength(tables: readonly TableToSave[]): Generator<{ index: number; row: number }> {
  const orders = tables.map(({ table }) => new StrengthOrder(table.strengths()));
  for (let strength = 255; strength > 0; strength--)
    for (const [index, order] of orders.entries()) for (const row of order.of(strength)) yield { index, row };
}

/** Rows by their strength. */
class StrengthOrder {
  readonly #rows: Int32Array;
  /** Where the rows of each strength begin. */
  readonly #starts = new Int32Array(257);

  constructor(strengths: Uint8Array) {
    const starts = this.#starts;
    for (let row = 0; row < strengths.length; row++) {
      const after = (strengths[row] as number) + 1;
      starts[after] = (starts[after] as number) + 1;
    }
    for (let s = 1; s <= 256; s++) starts[s] = (starts[s] as number) + (starts[s - 1] as number);
    this.#rows = new Int32Array(strengths.length);
    const rows = this.#rows;
    const next = starts.slice();
    for (let row = 0; row < strengths.length; row++) {
      const strength = strengths[row] as number;
      // The empty ones, mostly the most, are asked for by nobody.
      if (strength === 0) continue;
      const at = next[strength] as number;
      rows[at] = row;
      next[strength] = at + 1;
    }
  }

  of(strength: number): Int32Array {
    return this.#rows.subarray(this.#starts[strength], this.#starts[strength + 1]);
  }
}

function costOfRow(table: RowTable, row: number, costOf: (target: number) => number): number {
  let cost = ROW_BYTES;
  for (let slot = row * table.slots; slot < (row + 1) * table.slots; slot++)
    if (table.isNamed(row, slot)) cost += TARGET_BYTES + costOf(table.targets[slot] as number);
  return cost;
}
