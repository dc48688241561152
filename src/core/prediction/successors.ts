import { hashPair } from "../hash.ts";
import type { ShardTable } from "../learning/shard-table.ts";
import type { Candidates } from "./candidates.ts";
import { absentBin, nameTargets } from "./row-bins.ts";
import { RowTable } from "./row-table.ts";
import type { Step, UserHistories } from "./user-histories.ts";

/** Steps of the same user within which a shard counts as having come after another. */
const WINDOW = 20;
const HANDLE_MASK = 0xfffff;
/** Targets below this share of a row's visits are not worth naming: half of what a prefetch usually costs. */
const MIN_SHARE = 0.05;
/** Keeps the window's keys apart from those of order 1. */
const WINDOW_SALT = 77;
/** How much more an event's type has to tell of what follows (G²; 1 in 10 by chance) to be part of the context. */
const MIN_DISTINCTNESS = 2.7;
/** Where types have told more than their absence in this share of the cases lately, one that is new is believed at once. */
const TRUSTED = 0.65;
/** About the last 16 cases. */
const TRUST_RATE = 0.06;

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
  /** Share of the cases, lately, in which what came was likelier by the kind of the event than without it. */
  kindsTell = 0.5;

  /** @param rows rows of each table, a power of two. */
  constructor(shards: ShardTable, histories: UserHistories, rows: number) {
    this.#shards = shards;
    this.#histories = histories;
    this.#orders = [6, 3, 2].map(
      (slots, order) => new RowTable({ rows: rows * 2, slots, halveAt: 64, delays: order === 0 }),
    );
    this.#window = new RowTable({ rows, slots: 10, halveAt: 64 });
  }

  get bytes(): number {
    return this.tables.reduce((sum, table) => sum + table.bytes, 0);
  }

  /** The tables, for saving and restoring. */
  get tables(): readonly RowTable[] {
    return [...this.#orders, this.#window];
  }

  /**
   * The step at `reference` as the context of what follows. `plain` hashes what it was, `typed` the kind of event with
   * it, 0 where that is always the same: the kind counts where something else follows than otherwise. O(slots²).
   */
  stepOf(reference: number, plain: number, typed: number): Step {
    if (typed === 0) return { reference, context: plain, other: 0, isTyped: false };
    const rows = this.#orders[0] as RowTable;
    const [whole, part] = [rows.find(hashPair(0, plain)), rows.find(hashPair(0, typed))];
    const isDistinct =
      part >= 0 &&
      (this.kindsTell > TRUSTED || (whole >= 0 && rows.distinctness(part, whole) > MIN_DISTINCTNESS));
    return isDistinct
      ? { reference, context: typed, other: plain, isTyped: true }
      : { reference, context: plain, other: typed, isTyped: false };
  }

  /** The user in `slot` comes to `step`, at `tick` and `time`. A repeat of their last step teaches nothing. */
  learn(slot: number, step: Step, tick: number, time: number): void {
    const { reference } = step;
    const known = this.#setKeys(slot);
    const delay = this.#histories.sinceLast(slot, time);
    this.#judgeKind(slot, reference);
    for (let order = 0; order < known; order++)
      this.#count(this.#orders[order] as RowTable, this.#keys[order] as number, reference, delay);
    const other = this.#histories.otherContext(slot);
    if (other !== 0) this.#count(this.#orders[0] as RowTable, hashPair(0, other), reference, delay);
    this.#learnWindow(slot, step, tick);
  }

  /** Names what may come next for the user in `slot`, whose step to the present shard has been pushed. */
  propose(slot: number, user: string, candidates: Candidates, firstExpert: number): void {
    const known = this.#setKeys(slot);
    const windowKey = hashPair(this.#histories.contextAt(slot, 1), WINDOW_SALT);
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

  /** Whether `reference` was likelier by the kind of the event before it than without. */
  #judgeKind(slot: number, reference: number): void {
    const other = this.#histories.otherContext(slot);
    if (other === 0) return;
    const context = this.#histories.contextAt(slot, 1);
    const [typed, plain] = this.#histories.isTyped(slot) ? [context, other] : [other, context];
    const gain = this.#share(typed, reference) - this.#share(plain, reference);
    if (gain !== 0) this.kindsTell += ((gain > 0 ? 1 : 0) - this.kindsTell) * TRUST_RATE;
  }

  #share(context: number, reference: number): number {
    const rows = this.#orders[0] as RowTable;
    const row = rows.find(hashPair(0, context));
    return row < 0 ? 0 : rows.share(row, reference);
  }

  /** Counts that `reference` followed the context `key` after `delay` ms. */
  #count(rows: RowTable, key: number, reference: number, delay: number): void {
    const row = rows.findOrAdd(key);
    rows.visit(row);
    const slot = rows.add(row, reference);
    if (slot >= 0) rows.addDelay(slot, delay);
  }

  #table(expert: number): RowTable {
    return expert < 3 ? (this.#orders[expert] as RowTable) : this.#window;
  }

  /** Hashes the user's last one, two and three steps; returns how many of these there are. */
  #setKeys(slot: number): number {
    let key = 0;
    for (let order = 0; order < 3; order++) {
      const context = this.#histories.contextAt(slot, order + 1);
      if (context === 0) return order;
      key = hashPair(key, context);
      this.#keys[order] = key;
    }
    return 3;
  }

  /** Back to the last time the user came here: anchors before that had their count then. */
  #learnWindow(slot: number, { reference, context }: Step, tick: number): void {
    const marks = this.#shards.historyMark;
    for (let back = 1; back <= WINDOW; back++) {
      const anchor = this.#histories.at(slot, back);
      if (anchor === 0 || anchor === reference) break;
      if (marks[anchor & HANDLE_MASK] === -tick) continue;
      marks[anchor & HANDLE_MASK] = -tick;
      const key = hashPair(this.#histories.contextAt(slot, back), WINDOW_SALT);
      this.#window.add(this.#window.findOrAdd(key), reference);
    }
    this.#window.visit(this.#window.findOrAdd(hashPair(context, WINDOW_SALT)));
  }
}
