import { hashPair } from "../hash.ts";
import type { ShardTable } from "../learning/shard-table.ts";
import type { Candidates } from "./candidates.ts";
import { absentBin, nameTargets } from "./row-bins.ts";
import { RowTable } from "./row-table.ts";
import type { UserHistories } from "./user-histories.ts";

/** Steps of the same user within which a shard counts as having come after another. */
const WINDOW = 20;
const HANDLE_MASK = 0xfffff;
/** Targets below this share of a row's visits are not worth naming: half of what a prefetch usually costs. */
const MIN_SHARE = 0.05;
/** Keeps the window's keys apart from those of order 1. */
const WINDOW_SALT = 77;

/** Number of experts here: orders 1 to 3 and the window. */
export const SUCCESSOR_EXPERTS = 4;

/**
 * What came after what, of the same user: directly (orders 1, 2 and 3, prediction by partial matching: Cleary and
 * Witten 1984), and within the next {@link WINDOW} steps, each counted once per anchor, repeats collapsed. The tables
 * are shared by all users; only the context is a user's own. O(window) per event.
 */
export class Successors {
  readonly #shards: ShardTable;
  readonly #histories: UserHistories;
  readonly #orders: readonly RowTable[];
  readonly #window: RowTable;
  readonly #keys = new Int32Array(3);

  /** @param rows rows of each table, a power of two. */
  constructor(shards: ShardTable, histories: UserHistories, rows: number) {
    this.#shards = shards;
    this.#histories = histories;
    this.#orders = [6, 3, 2].map((slots) => new RowTable({ rows: rows * 2, slots, halveAt: 64 }));
    this.#window = new RowTable({ rows, slots: 10, halveAt: 64 });
  }

  get bytes(): number {
    return this.tables.reduce((sum, table) => sum + table.bytes, 0);
  }

  /** The tables, for saving and restoring. */
  get tables(): readonly RowTable[] {
    return [...this.#orders, this.#window];
  }

  /** The user in `slot` comes to `reference`, at `tick`. A repeat of their last step teaches nothing. */
  learn(slot: number, reference: number, tick: number): void {
    const known = this.#setKeys(slot);
    for (let order = 0; order < known; order++) {
      const rows = this.#orders[order] as RowTable;
      const row = rows.findOrAdd(this.#keys[order] as number);
      rows.visit(row);
      rows.add(row, reference);
    }
    this.#learnWindow(slot, reference, tick);
  }

  /** Names what may come next for the user in `slot`, whose step to the present shard has been pushed. */
  propose(slot: number, user: string, candidates: Candidates, firstExpert: number): void {
    const known = this.#setKeys(slot);
    const windowKey = hashPair(this.#histories.at(slot, 1), WINDOW_SALT);
    const rows = [0, 0, 0, this.#window.find(windowKey)];
    for (let order = 0; order < 3; order++)
      rows[order] = order < known ? (this.#orders[order] as RowTable).find(this.#keys[order] as number) : -1;
    for (let e = 0; e < SUCCESSOR_EXPERTS; e++)
      if ((rows[e] as number) >= 0)
        candidates.setAbsent(firstExpert + e, absentBin(this.#table(e).total(rows[e] as number)));
    for (let e = 0; e < SUCCESSOR_EXPERTS; e++)
      if ((rows[e] as number) >= 0)
        nameTargets(
          this.#table(e),
          rows[e] as number,
          MIN_SHARE,
          this.#shards,
          user,
          candidates,
          firstExpert + e,
        );
  }

  /** Times anyone made a step from where the user in `slot` is now. */
  experience(slot: number): number {
    if (this.#setKeys(slot) === 0) return 0;
    const rows = this.#orders[0] as RowTable;
    const row = rows.find(this.#keys[0] as number);
    return row < 0 ? 0 : rows.total(row);
  }

  #table(expert: number): RowTable {
    return expert < 3 ? (this.#orders[expert] as RowTable) : this.#window;
  }

  /** Hashes the user's last one, two and three steps; returns how many of these there are. */
  #setKeys(slot: number): number {
    let key = 0;
    for (let order = 0; order < 3; order++) {
      const step = this.#histories.at(slot, order + 1);
      if (step === 0) return order;
      key = hashPair(key, step);
      this.#keys[order] = key;
    }
    return 3;
  }

  /** Back to the last time the user came here: anchors before that had their count then. */
  #learnWindow(slot: number, reference: number, tick: number): void {
    const marks = this.#shards.historyMark;
    for (let back = 1; back <= WINDOW; back++) {
      const anchor = this.#histories.at(slot, back);
      if (anchor === 0 || anchor === reference) break;
      if (marks[anchor & HANDLE_MASK] === -tick) continue;
      marks[anchor & HANDLE_MASK] = -tick;
      this.#window.add(this.#window.findOrAdd(hashPair(anchor, WINDOW_SALT)), reference);
    }
    this.#window.visit(this.#window.findOrAdd(hashPair(reference, WINDOW_SALT)));
  }
}
