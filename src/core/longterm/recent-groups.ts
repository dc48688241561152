/** Reports remembered a row: enough for a slow key, whose occurrences and successors each come in a report of their own. */
const GROUPS = 12;
/** Occurrences that are enough: what came before them no longer counts as recent. */
const ENOUGH = 16;

/** What one row did lately: of `seen` occurrences, how many each successor followed. Reused between calls. */
export interface Recent {
  seen: number;
  /** When the row was last heard of. */
  time: number;
  readonly next: Float64Array;
}

/**
 * The last occurrences of each row, however long they took: the newest reports that mention it, until they hold
 * {@link ENOUGH}. A window by evidence follows a switch within as many occurrences in a busy row and in a quiet one,
 * which no time constant does. It keeps the newest by time, so the order of arrival does not matter.
 */
export class RecentGroups {
  readonly #width: number;
  readonly #time: Float64Array;
  readonly #seen: Float64Array;
  readonly #next: Float64Array;
  readonly #recent: Recent;
  readonly #order = new Int32Array(GROUPS);

  constructor(rows: number, width: number) {
    this.#width = width;
    this.#time = new Float64Array(rows * GROUPS).fill(Number.NEGATIVE_INFINITY);
    this.#seen = new Float64Array(rows * GROUPS);
    this.#next = new Float64Array(rows * GROUPS * width);
    this.#recent = { seen: 0, time: 0, next: new Float64Array(width) };
  }

  /** The row occurred `amount` times in the report of `time`. O(GROUPS). */
  see(row: number, amount: number, time: number): void {
    const group = this.#groupOf(row, time);
    if (group >= 0) this.#seen[group] = (this.#seen[group] as number) + amount;
  }

  /** Successor `slot` followed with this weight in the report of `time`. O(GROUPS). */
  link(row: number, slot: number, weight: number, time: number): void {
    const group = this.#groupOf(row, time);
    if (group < 0) return;
    const at = group * this.#width + slot;
    this.#next[at] = (this.#next[at] as number) + weight;
  }

  /** What the row did lately. The answer is overwritten by the next call. O(GROUPS × width). */
  of(row: number, used: number): Recent {
    const recent = this.#recent;
    recent.seen = 0;
    recent.next.fill(0);
    const newestFirst = this.#sorted(row);
    recent.time = this.#time[newestFirst[0] as number] as number;
    for (let i = 0; i < newestFirst.length && recent.seen < ENOUGH; i++) {
      const group = newestFirst[i] as number;
      if (this.#time[group] === Number.NEGATIVE_INFINITY) break;
      recent.seen += this.#seen[group] as number;
      for (let slot = 0; slot < used; slot++)
        recent.next[slot] =
          (recent.next[slot] as number) + (this.#next[group * this.#width + slot] as number);
    }
    return recent;
  }

  /** Forgets a row that changes hands. */
  clearRow(row: number): void {
    const from = row * GROUPS;
    this.#time.fill(Number.NEGATIVE_INFINITY, from, from + GROUPS);
    this.#seen.fill(0, from, from + GROUPS);
    this.#next.fill(0, from * this.#width, (from + GROUPS) * this.#width);
  }

  /** Forgets a successor whose slot changes hands. */
  clearSlot(row: number, slot: number): void {
    for (let group = row * GROUPS; group < (row + 1) * GROUPS; group++)
      this.#next[group * this.#width + slot] = 0;
  }

  /** Groups of a row for storing: `[time, seen, weights]`, the newest first. */
  groups(row: number, used: number): [time: number, seen: number, next: Float64Array][] {
    return [...this.#sorted(row)]
      .filter((group) => this.#time[group] !== Number.NEGATIVE_INFINITY)
      .map((group) => [
        this.#time[group] as number,
        this.#seen[group] as number,
        this.#next.subarray(group * this.#width, group * this.#width + used),
      ]);
  }

  #sorted(row: number): Int32Array {
    const order = this.#order;
    for (let i = 0; i < GROUPS; i++) {
      const group = row * GROUPS + i;
      let j = i;
      for (; j > 0 && (this.#time[order[j - 1] as number] as number) < (this.#time[group] as number); j--)
        order[j] = order[j - 1] as number;
      order[j] = group;
    }
    return order;
  }

  /** The group of a report, made in place of the oldest when that is older; −1 when all are newer. */
  #groupOf(row: number, time: number): number {
    let oldest = row * GROUPS;
    for (let group = row * GROUPS; group < (row + 1) * GROUPS; group++) {
      if (this.#time[group] === time) return group;
      if ((this.#time[group] as number) < (this.#time[oldest] as number)) oldest = group;
    }
    if ((this.#time[oldest] as number) > time) return -1;
    this.#time[oldest] = time;
    this.#seen[oldest] = 0;
    this.#next.fill(0, oldest * this.#width, (oldest + 1) * this.#width);
    return oldest;
  }
}
