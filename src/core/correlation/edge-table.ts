import { SpaceSaving } from "../collections/space-saving.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import { type Moment, multiply, type Rescalable } from "./decay.ts";

/** What follows a key, as it is read. */
export interface Follower {
  /** The key that follows. */
  readonly to: string;
  /** That it comes within the horizon of an occurrence. */
  readonly probability: number;
  /** When, ms after the occurrence: the geometric mean. */
  readonly delay: number;
  /** Decayed count of the edge: the evidence. */
  readonly count: number;
}

/** A key as it is read. */
export interface Row {
  /** Decayed count of the key. */
  readonly seen: number;
  /** The likeliest first. */
  readonly next: readonly Follower[];
}

/** Occurrences that an unknown rest weighs: one sighting is no certainty. */
const PRIOR = 1;

/**
 * What follows what: edges from keys to keys, as decayed counts of the occurrences that the follower came after within the
 * horizon, with the sum of log₂(1 + delay) for their mean. Rows and the followers within a row are Space-Saving summaries,
 * so memory is fixed and what is frequent stays; a newcomer's inherited count is never taken for evidence.
 */
export class EdgeTable implements Rescalable {
  readonly rows: SpaceSaving;
  readonly width: number;
  readonly #used: Uint8Array;
  readonly #to: string[];
  readonly #count: Float64Array;
  readonly #error: Float64Array;
  readonly #logDelay: Float64Array;
  /** Decayed sum over all rows, those forgotten included. */
  #occurrences = 0;

  /** @param onForget hears of each key whose row is taken by another. */
  constructor([rows, width]: readonly [rows: number, width: number], onForget: (key: string) => void) {
    this.width = width;
    this.rows = new SpaceSaving(rows, (row) => {
      onForget(this.rows.keyOf(row));
      this.#clear(row);
    });
    this.#used = new Uint8Array(rows);
    this.#to = [];
    this.#count = new Float64Array(rows * width);
    this.#error = new Float64Array(rows * width);
    this.#logDelay = new Float64Array(rows * width);
  }

  /** Decayed count of all keys' occurrences. */
  occurrences(fade: Moment): number {
    return this.#occurrences * fade.long;
  }

  /** For each follower the share of all occurrences it comes after, whatever they are of. O(rows × width). */
  byChance(): (to: string) => number {
    const sums = new Map<string, number>();
    for (let row = 0; row < this.rows.size; row++)
      for (let slot = row * this.width; slot < row * this.width + (this.#used[row] as number); slot++) {
        const to = this.#to[slot] as string;
        const sure = (this.#count[slot] as number) - (this.#error[slot] as number);
        sums.set(to, (sums.get(to) ?? 0) + sure);
      }
    return (to) => (sums.get(to) ?? 0) / Math.max(1e-300, this.#occurrences);
  }

  /** `key` occurred `count` times; returns its row. O(1), O(log rows) when full. */
  see(key: string, count: number, at: Moment): number {
    this.#occurrences += count * at.long;
    return this.rows.add(key, count * at.long);
  }

  /** `to` followed `count` occurrences of the key of `row`; `logDelay` is their sum of log₂(1 + ms). O(width). */
  link(row: number, to: string, count: number, logDelay: number, at: Moment): void {
    const slot = this.#slotOf(row, to);
    this.#count[slot] = (this.#count[slot] as number) + count * at.long;
    this.#logDelay[slot] = (this.#logDelay[slot] as number) + logDelay * at.long;
  }

  /** What follows the key of `row` with at least this probability. O(width log width). */
  row(row: number, fade: Moment, leastProbability = 0): Row {
    const seen = this.rows.guaranteed(row) * fade.long;
    const length = this.#used[row] as number;
    const next = Array.from({ length }, (_, i) => this.#follower(row * this.width + i, seen, fade))
      .filter(({ probability }) => probability >= leastProbability)
      .sort((a, b) => b.probability - a.probability || (a.to < b.to ? -1 : 1));
    return { seen, next };
  }

  /** What follows `key`; nothing when it has no row. O(width log width). */
  of(key: string, fade: Moment): Row {
    const row = this.rows.find(key);
    return row < 0 ? { seen: 0, next: [] } : this.row(row, fade);
  }

  rescale(_short: number, long: number): void {
    this.rows.rescale(long);
    for (const values of [this.#count, this.#error, this.#logDelay]) multiply(values, long);
    this.#occurrences *= long;
  }

  /** Writes the most frequent rows first, as many as begin before the writer holds `bytes`. */
  write(writer: ByteWriter, bytes: number): void {
    writer.float(this.#occurrences);
    for (const row of this.rows.ranked()) {
      if (writer.length >= bytes) break;
      writer.count(1);
      this.#writeRow(writer, row);
    }
    writer.count(0);
  }

  /** Reads what {@link write} wrote. @throws RangeError when a row is wider than this table's. */
  read(reader: ByteReader): void {
    this.#occurrences = reader.float();
    while (reader.count() === 1) this.#readRow(reader);
  }

  #writeRow(writer: ByteWriter, row: number): void {
    const used = this.#used[row] as number;
    writer.name(this.rows.keyOf(row));
    writer.sparse([this.rows.count[row] as number, this.rows.error[row] as number]);
    writer.count(used);
    for (let slot = row * this.width; slot < row * this.width + used; slot++) {
      writer.name(this.#to[slot] as string);
      writer.sparse([this.#count, this.#error, this.#logDelay].map((values) => values[slot] as number));
    }
  }

  #readRow(reader: ByteReader): void {
    const key = reader.name();
    const [seen = 0, error = 0] = reader.sparse(2);
    const row = this.rows.restore(key, seen, error);
    const used = reader.count();
    if (used > this.width) throw new RangeError("a stored row is wider than the table");
    this.#used[row] = used;
    for (let slot = row * this.width; slot < row * this.width + used; slot++) {
      this.#to[slot] = this.#canonical(reader.name());
      const values = reader.sparse(3);
      [this.#count, this.#error, this.#logDelay].forEach((column, i) => {
        column[slot] = values[i] ?? 0;
      });
    }
  }

  #follower(slot: number, seen: number, fade: Moment): Follower {
    const sure = (this.#count[slot] as number) - (this.#error[slot] as number);
    const count = Math.max(0, sure) * fade.long;
    return {
      to: this.#to[slot] as string,
      probability: count / (Math.max(seen, count) + PRIOR),
      delay: sure > 0 ? 2 ** ((this.#logDelay[slot] as number) / sure) - 1 : 0,
      count,
    };
  }

  #slotOf(row: number, to: string): number {
    const first = row * this.width;
    const used = this.#used[row] as number;
    for (let slot = first; slot < first + used; slot++) if (this.#to[slot] === to) return slot;
    if (used === this.width) return this.#replace(row, to);
    this.#used[row] = used + 1;
    this.#to[first + used] = this.#canonical(to);
    return first + used;
  }

  /** The weakest follower makes place; what it counted stays as the newcomer's possible error. */
  #replace(row: number, to: string): number {
    let weakest = row * this.width;
    for (let slot = weakest + 1; slot < (row + 1) * this.width; slot++)
      if ((this.#count[slot] as number) < (this.#count[weakest] as number)) weakest = slot;
    this.#to[weakest] = this.#canonical(to);
    this.#error[weakest] = this.#count[weakest] as number;
    this.#logDelay[weakest] = 0;
    return weakest;
  }

  /** The copy of a name that is held already, so that each report's own copy can be freed. */
  #canonical(name: string): string {
    const row = this.rows.find(name);
    return row < 0 ? name : this.rows.keyOf(row);
  }

  #clear(row: number): void {
    const from = row * this.width;
    this.#used[row] = 0;
    for (const values of [this.#count, this.#error, this.#logDelay]) values.fill(0, from, from + this.width);
  }
}
