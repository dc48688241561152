import type { RowColumns, RowWriter } from "./row-columns.ts";

/** Rows compete for room in groups of this many: enough that a busy row is seldom displaced, few enough to scan. */
const WAYS = 4;
/** Counts are kept in halves, so that halving them loses nothing the first time. */
const UNIT = 2;
/** Delays are kept as logarithms, in steps of an eighth of an octave: up to 49 days fit a byte. */
const STEPS_PER_OCTAVE = 8;
/** A delay falls by half of the way to one that is shorter, and rises by a step: about one in ten comes sooner. */
const DELAY_FALL = 0.5;
/** One displacement in this many makes the rows that stayed a little weaker, so that rows nobody visits give way. */
const WEAR_EVERY = 8;
/** What came in a smaller share of a row's visits no expert names: it is not saved. */
const MIN_NAMED = 0.04;

/** The ms that a table's delay step stands for; undefined for 0, which says that it is not known. */
export const delayOf = (step: number): number | undefined =>
  step === 0 ? undefined : 2 ** ((step - 1) / STEPS_PER_OCTAVE) - 1;

/** What a {@link RowTable} is made of. */
export interface RowTableOptions {
  /** Number of rows: a power of two, at least 4. */
  readonly rows: number;
  /** Targets a row holds. */
  readonly slots: number;
  /** At this total a row's counts are halved: old habits fade as new ones come. At most 120. */
  readonly halveAt: number;
  /** Whether each target has its delay; without, `delay` is unknown. */
  readonly delays?: boolean;
}

/**
 * Bounded counts of "after this context came that target". A row holds a context's few strongest targets; a newcomer
 * wears the weakest down before it takes its place (Misra & Gries, "Finding repeated elements", 1982). Rows live in a
 * set-associative table, where the least used of a group makes room. Targets are non-zero 31-bit integers.
 * Finding and adding are O(slots); nothing is allocated.
 */
export class RowTable {
  readonly slots: number;
  readonly targets: Int32Array;
  readonly #keys: Int32Array;
  readonly #totals: Uint8Array;
  readonly #visits: Uint8Array;
  readonly #counts: Uint8Array;
  readonly #seenAt: Uint8Array;
  /** 0: unknown. */
  readonly #delays: Uint8Array;
  readonly #groups: number;
  readonly #halveAt: number;
  #displaced = 0;

  constructor(options: RowTableOptions) {
    const { rows, slots, halveAt, delays = false } = options;
    this.slots = slots;
    this.#groups = (rows - 1) & ~(WAYS - 1);
    this.#halveAt = halveAt * UNIT;
    this.#keys = new Int32Array(rows);
    this.#totals = new Uint8Array(rows);
    this.#visits = new Uint8Array(rows);
    this.targets = new Int32Array(rows * slots);
    this.#counts = new Uint8Array(rows * slots);
    this.#seenAt = new Uint8Array(rows * slots);
    this.#delays = new Uint8Array(delays ? rows * slots : 0);
  }

  get bytes(): number {
    return this.#keys.byteLength * 1.5 + this.targets.byteLength * 1.5 + this.#delays.byteLength;
  }

  /** The row of `key` (a non-zero hash), or -1. */
  find(key: number): number {
    const base = key & this.#groups;
    for (let row = base; row < base + WAYS; row++) if (this.#keys[row] === key) return row;
    return -1;
  }

  /** The row of `key`, made if need be in place of the group's least used. */
  findOrAdd(key: number): number {
    const base = key & this.#groups;
    let weakest = base;
    for (let row = base; row < base + WAYS; row++) {
      if (this.#keys[row] === key) return row;
      if ((this.#totals[row] as number) < (this.#totals[weakest] as number)) weakest = row;
    }
    this.#clear(weakest);
    this.#keys[weakest] = key;
    if (++this.#displaced % WEAR_EVERY === 0) this.#wear(base, weakest);
    return weakest;
  }

  /** Forgets all rows. O(rows). */
  clear(): void {
    const { targets } = this;
    for (const column of [this.#keys, this.#totals, this.#visits, targets, this.#counts, this.#seenAt])
      column.fill(0);
    this.#delays.fill(0);
  }

  /** Counts one more occurrence of the row's context. */
  visit(row: number): void {
    const total = (this.#totals[row] as number) + UNIT;
    this.#visits[row] = (this.#visits[row] as number) + 1;
    this.#totals[row] = total;
    if (total >= this.#halveAt) this.#halve(row);
  }

  /** Counts `target` as having come after the row's context. Returns its slot; -1 when it has none yet. */
  add(row: number, target: number): number {
    const from = row * this.slots;
    let weakest = from;
    for (let slot = from; slot < from + this.slots; slot++) {
      const count = this.#counts[slot] as number;
      if (this.targets[slot] === target) {
        if (count < 254) this.#counts[slot] = count + UNIT;
        this.#seenAt[slot] = this.#visits[row] as number;
        return slot;
      }
      if (count < (this.#counts[weakest] as number)) weakest = slot;
    }
    const left = (this.#counts[weakest] as number) - 1;
    if (left > 1) {
      this.#counts[weakest] = left;
      return -1;
    }
    this.targets[weakest] = target;
    this.#counts[weakest] = UNIT;
    this.#seenAt[weakest] = this.#visits[row] as number;
    this.#delays[weakest] = 0;
    return weakest;
  }

  /** The slot's target came `ms` after the row's context; nothing in a table without delays. */
  addDelay(slot: number, ms: number): void {
    if (this.#delays.length === 0) return;
    const seen = Math.min(255, 1 + Math.round(Math.log2(1 + Math.max(0, ms)) * STEPS_PER_OCTAVE));
    const known = this.#delays[slot] as number;
    const step = seen > known ? 1 : Math.floor((seen - known) * DELAY_FALL);
    this.#delays[slot] = known === 0 ? seen : known + step;
  }

  /** How soon after the row's context the slot's target usually comes at the earliest, as {@link delayOf} reads it. */
  delayStep(slot: number): number {
    return this.#delays[slot] ?? 0;
  }

  /**
   * How much more the row tells of its targets than `whole`, a row of which it is a part: G² = 2·n·KL(row ‖ whole).
   * What came once proves nothing. O(slots²).
   */
  distinctness(row: number, whole: number): number {
    let sum = 0;
    for (let slot = row * this.slots; slot < (row + 1) * this.slots; slot++) {
      const n = this.count(slot);
      if (n > 1) sum += n * Math.log(n / (this.total(row) * this.#expected(whole, slot)));
    }
    return 2 * sum;
  }

  /** Whether `target` is among the row's. */
  has(row: number, target: number): boolean {
    for (let slot = row * this.slots; slot < (row + 1) * this.slots; slot++)
      if (this.targets[slot] === target) return true;
    return false;
  }

  /**
   * Sets the row of `key`: `total` visits, of which `counts[i]` led to `targets[i]` after `delays[i]` ms; the counts are
   * scaled down to fit.
   */
  put(
    key: number,
    total: number,
    targets: readonly number[],
    counts: readonly number[],
    delays: readonly number[],
  ): void {
    const row = this.findOrAdd(key);
    this.#clear(row);
    const scale = Math.min(UNIT, (this.#halveAt - UNIT) / Math.max(total, 1));
    this.#totals[row] = Math.max(1, Math.round(total * scale));
    const most = Math.min(this.slots, targets.length);
    for (let i = 0; i < most; i++) {
      this.targets[row * this.slots + i] = targets[i] as number;
      this.#counts[row * this.slots + i] = Math.min(255, Math.round((counts[i] as number) * scale));
      this.addDelay(row * this.slots + i, delays[i] as number);
    }
  }

  /** Occurrences of the row's context, decayed. */
  total(row: number): number {
    return (this.#totals[row] as number) / UNIT;
  }

  /** Share of the row's visits that led to `target`; at most 1. */
  share(row: number, target: number): number {
    for (let slot = row * this.slots; slot < (row + 1) * this.slots; slot++)
      if (this.targets[slot] === target)
        return Math.min(1, this.count(slot) / Math.max(this.total(row), 1 / UNIT));
    return 0;
  }

  /** Times the slot's target came after the row's context, decayed; 0 for an empty slot. */
  count(slot: number): number {
    return (this.#counts[slot] as number) / UNIT;
  }

  /** Visits of the row since the slot's target last came (modulo 256). */
  age(row: number, slot: number): number {
    return ((this.#visits[row] as number) - (this.#seenAt[slot] as number)) & 0xff;
  }

  /** Of each row, how often its most frequent target came, in halves: what there is to predict by. O(rows × slots). */
  strengths(): Uint8Array {
    const totals = this.#totals;
    const counts = this.#counts;
    const strengths = new Uint8Array(totals.length);
    for (let row = 0, from = 0; row < strengths.length; row++, from += this.slots) {
      if (totals[row] === 0) continue;
      let most = 0;
      for (let slot = from; slot < from + this.slots; slot++) most = Math.max(most, counts[slot] as number);
      strengths[row] = most;
    }
    return strengths;
  }

  /** Whether the slot's target came in so many of the row's visits that anybody would name it. */
  isNamed(row: number, slot: number): boolean {
    const count = this.#counts[slot] as number;
    return count > 0 && count >= MIN_NAMED * (this.#totals[row] as number);
  }

  /** Writes the row with those of its named targets that `targetOf` knows another name for. O(slots). */
  save(row: number, writer: RowWriter, targetOf: (target: number) => number): void {
    writer.row(this.#keys[row] as number, this.#totals[row] as number);
    for (let slot = row * this.slots; slot < (row + 1) * this.slots; slot++) {
      const target = this.isNamed(row, slot) ? targetOf(this.targets[slot] as number) : 0;
      const count = this.#counts[slot] as number;
      if (target !== 0) writer.target(target, count, this.age(row, slot), this.delayStep(slot));
    }
  }

  /**
   * Takes in saved rows, each where it has seen more than the row of its key here, or than what would make room for it.
   * What `targetOf` does not know, 0, is left out. O(rows × slots).
   */
  absorb(saved: RowColumns, targetOf: (target: number) => number): void {
    let from = 0;
    saved.keys.forEach((key, index) => {
      const to = from + (saved.widths[index] as number);
      const row = this.#rowFor(key, saved.totals[index] as number);
      if (row >= 0) this.#take(row, key, saved, index, from, to, targetOf);
      from = to;
    });
  }

  /** The row that gives way to one of `key` with this total, -1 where none does. */
  #rowFor(key: number, total: number): number {
    const known = this.find(key);
    const base = key & this.#groups;
    let weakest = base;
    for (let row = base; row < base + WAYS; row++)
      if ((this.#totals[row] as number) < (this.#totals[weakest] as number)) weakest = row;
    const row = known >= 0 ? known : weakest;
    return (this.#totals[row] as number) < total ? row : -1;
  }

  #take(
    row: number,
    key: number,
    saved: RowColumns,
    index: number,
    from: number,
    to: number,
    targetOf: (target: number) => number,
  ): void {
    this.#clear(row);
    this.#keys[row] = key;
    this.#totals[row] = saved.totals[index] as number;
    for (let at = from, slot = row * this.slots; at < to && slot < (row + 1) * this.slots; at++) {
      const target = targetOf(saved.targets[at] as number);
      if (target === 0) continue;
      this.targets[slot] = target;
      this.#counts[slot] = saved.counts[at] as number;
      this.#seenAt[slot] = -(saved.ages[at] as number);
      if (this.#delays.length > 0) this.#delays[slot] = saved.delays[at] as number;
      slot++;
    }
  }

  /** The share of the slot's target in another row; that of half a visit where it is not there. */
  #expected(row: number, slot: number): number {
    return Math.max(this.share(row, this.targets[slot] as number), 1 / (UNIT * this.total(row)));
  }

  #halve(row: number): void {
    this.#totals[row] = (this.#totals[row] as number) >> 1;
    const from = row * this.slots;
    for (let slot = from; slot < from + this.slots; slot++)
      this.#counts[slot] = (this.#counts[slot] as number) >> 1;
  }

  #wear(base: number, newest: number): void {
    for (let row = base; row < base + WAYS; row++)
      if (row !== newest && (this.#totals[row] as number) > 0)
        this.#totals[row] = (this.#totals[row] as number) - 1;
  }

  #clear(row: number): void {
    this.#totals[row] = 0;
    this.#visits[row] = 0;
    const from = row * this.slots;
    this.targets.fill(0, from, from + this.slots);
    this.#counts.fill(0, from, from + this.slots);
    this.#seenAt.fill(0, from, from + this.slots);
    this.#delays.fill(0, from, from + this.slots);
  }
}
