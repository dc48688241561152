import { SpaceSaving } from "../collections/space-saving.ts";
import { delayQuantile } from "../learning/delay-histogram.ts";
import { DELAY_BINS } from "../reporting/report.ts";
import { blend, DRIFT_G2, driftOf, type Evidence } from "./blend.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import { LONG_TERM as LATEST_FADE, type Moment, multiply, type Rescalable } from "./decay.ts";
import { RecentGroups } from "./recent-groups.ts";

/** One successor of a key as it is read. */
export interface Successor {
  readonly to: string;
  readonly probability: number;
  /** Median delay, ms. */
  readonly delay: number;
  /** Decayed long-term count of the edge: the evidence. */
  readonly count: number;
}

/** A key as it is read. */
export interface RowReading {
  /** Decayed long-term count of the key. */
  readonly seen: number;
  /** Decayed short-term count of the key. */
  readonly lately: number;
  /** How far the latest successors are from the long term, in units of G²; above {@link DRIFT_G2} they have switched. */
  readonly drift: number;
  readonly next: readonly Successor[];
}

/**
 * What follows what: edges from keys to shards, counted at two time scales, with a histogram of the delay each. Rows
 * and the successors within a row are Space-Saving summaries, so memory is fixed and what is frequent stays; a
 * newcomer's inherited count is never taken for evidence.
 */
export class EdgeTable implements Rescalable {
  readonly rows: SpaceSaving;
  readonly width: number;
  readonly #seenShort: Float64Array;
  readonly #used: Uint8Array;
  readonly #to: string[];
  readonly #long: Float64Array;
  readonly #error: Float64Array;
  readonly #short: Float64Array;
  readonly #bins: Float32Array;
  readonly #recent: RecentGroups;
  readonly #evidence: Evidence = { longSeen: 0, long: 0, shortSeen: 0, short: 0, recentSeen: 0, recent: 0 };
  /** Decayed long-term sums over all rows, those forgotten included: occurrences, and weight of successors. */
  #occurrences = 0;
  #weight = 0;

  /** @param onForget hears of each key whose row is taken by another. */
  constructor(rows: number, width: number, onForget: (key: string) => void = () => undefined) {
    this.width = width;
    this.rows = new SpaceSaving(rows, (row) => {
      onForget(this.rows.keyOf(row));
      this.#clear(row);
    });
    this.#seenShort = new Float64Array(rows);
    this.#used = new Uint8Array(rows);
    this.#to = [];
    this.#long = new Float64Array(rows * width);
    this.#error = new Float64Array(rows * width);
    this.#short = new Float64Array(rows * width);
    this.#bins = new Float32Array(rows * width * DELAY_BINS);
    this.#recent = new RecentGroups(rows, width);
  }

  /** Decayed long-term count of all keys' occurrences. */
  occurrences(fade: Moment): number {
    return this.#occurrences * fade.long;
  }

  /** Weight of successors that one occurrence brings on average. */
  get weightPerOccurrence(): number {
    return this.#occurrences > 0 ? this.#weight / this.#occurrences : 0;
  }

  /** Decayed long-term count of `key`; 0 when it has no row. O(1). */
  seen(key: string, fade: Moment): number {
    const row = this.rows.find(key);
    return row < 0 ? 0 : this.rows.guaranteed(row) * fade.long;
  }

  /** `key` occurred `amount` times; returns its row. O(1), O(log rows) when full. */
  see(key: string, amount: number, at: Moment): number {
    const row = this.rows.add(key, amount * at.long);
    this.#seenShort[row] = (this.#seenShort[row] as number) + amount * at.short;
    this.#recent.see(row, amount, at.time);
    this.#occurrences += amount * at.long;
    return row;
  }

  /** `to` followed the key of `row`: `delays` lists `[bin, weight, bin, weight …]`. O(width). */
  link(row: number, to: string, delays: readonly number[], at: Moment): void {
    const slot = this.#slotOf(row, to);
    let weight = 0;
    for (let i = 0; i + 1 < delays.length; i += 2) {
      const bin = Math.min(DELAY_BINS - 1, Math.max(0, Math.trunc(delays[i] as number)));
      const amount = delays[i + 1] as number;
      const index = slot * DELAY_BINS + bin;
      this.#bins[index] = (this.#bins[index] as number) + amount * at.long;
      weight += amount;
    }
    this.#long[slot] = (this.#long[slot] as number) + weight * at.long;
    this.#short[slot] = (this.#short[slot] as number) + weight * at.short;
    this.#recent.link(row, slot - row * this.width, weight, at.time);
    this.#weight += weight * at.long;
  }

  /** What follows the key of `row` with at least this probability, the likeliest first. O(width). */
  read(row: number, fade: Moment, shortTermLouder = false, leastProbability = 0): RowReading {
    const evidence = this.#rowEvidence(row, fade);
    const recent = this.#recent.of(row, this.#used[row] as number);
    // The latest fade as slowly as the long term they are weighed against, so that a night does not undo a switch.
    const age = Math.min(1, Math.exp((recent.time - fade.time) / LATEST_FADE));
    evidence.recentSeen = recent.seen * age;
    const first = row * this.width;
    const end = first + (this.#used[row] as number);
    let drift = 0;
    for (let slot = first; slot < end; slot++) {
      this.#slotEvidence(slot, fade, (recent.next[slot - first] as number) * age);
      drift = Math.max(drift, driftOf(evidence));
    }
    const next: Successor[] = [];
    for (let slot = first; slot < end; slot++) {
      this.#slotEvidence(slot, fade, (recent.next[slot - first] as number) * age);
      const probability = blend(evidence, drift > DRIFT_G2, shortTermLouder);
      if (probability < leastProbability) continue;
      const delay = delayQuantile(this.#bins, slot * DELAY_BINS, DELAY_BINS, 0.5) ?? 0;
      next.push({ to: this.#to[slot] as string, probability, delay, count: evidence.long });
    }
    if (next.length > 1) next.sort((a, b) => b.probability - a.probability || (a.to < b.to ? -1 : 1));
    return { seen: evidence.longSeen, lately: evidence.shortSeen, drift, next };
  }

  rescale(short: number, long: number): void {
    this.rows.rescale(long);
    multiply(this.#seenShort, short);
    for (const values of [this.#long, this.#error, this.#bins]) multiply(values, long);
    multiply(this.#short, short);
    this.#occurrences *= long;
    this.#weight *= long;
  }

  /** Writes what is not in any row. */
  writeTotals(writer: ByteWriter): void {
    writer.float(this.#occurrences);
    writer.float(this.#weight);
  }

  /** Reads what {@link writeTotals} wrote. */
  readTotals(reader: ByteReader): void {
    this.#occurrences = reader.float();
    this.#weight = reader.float();
  }

  /** Writes one row. */
  writeRow(writer: ByteWriter, row: number): void {
    const used = this.#used[row] as number;
    writer.name(this.rows.keyOf(row));
    writer.float(this.rows.count[row] as number);
    writer.sparse([this.rows.error[row] as number, this.#seenShort[row] as number]);
    writer.count(used);
    for (let slot = row * this.width; slot < row * this.width + used; slot++) {
      writer.name(this.#to[slot] as string);
      writer.sparse([this.#long[slot] as number, this.#error[slot] as number, this.#short[slot] as number]);
      writer.sparseSingles(this.#bins.subarray(slot * DELAY_BINS, (slot + 1) * DELAY_BINS));
    }
    const groups = this.#recent.groups(row, used);
    writer.count(groups.length);
    for (const [time, seen, next] of groups) {
      writer.float(time);
      writer.sparse([seen, ...next]);
    }
  }

  /** Reads one row written by {@link writeRow}. */
  readRow(reader: ByteReader): void {
    const key = reader.name();
    const count = reader.float();
    const [error = 0, seenShort = 0] = reader.sparse(2);
    const row = this.rows.restore(key, count, error);
    this.#seenShort[row] = seenShort;
    const used = reader.count();
    if (used > this.width) throw new RangeError("a stored row is wider than the table");
    this.#used[row] = used;
    for (let slot = row * this.width; slot < row * this.width + used; slot++) {
      this.#to[slot] = this.#canonical(reader.name());
      const [long = 0, slotError = 0, short = 0] = reader.sparse(3);
      this.#long[slot] = long;
      this.#error[slot] = slotError;
      this.#short[slot] = short;
      this.#bins.set(reader.sparseSingles(DELAY_BINS), slot * DELAY_BINS);
    }
    for (let left = reader.count(); left > 0; left--) {
      const time = reader.float();
      const [seen = 0, ...next] = reader.sparse(1 + used);
      this.#recent.see(row, seen, time);
      next.forEach((weight, slot) => {
        if (weight > 0) this.#recent.link(row, slot, weight, time);
      });
    }
  }

  /** Fills the row's part of the evidence, which is reused: rows are read by the thousand. */
  #rowEvidence(row: number, fade: Moment): Evidence {
    this.#evidence.longSeen = this.rows.guaranteed(row) * fade.long;
    this.#evidence.shortSeen = (this.#seenShort[row] as number) * fade.short;
    return this.#evidence;
  }

  #slotEvidence(slot: number, fade: Moment, recent: number): void {
    const long = (this.#long[slot] as number) - (this.#error[slot] as number);
    this.#evidence.long = Math.max(0, long) * fade.long;
    this.#evidence.short = (this.#short[slot] as number) * fade.short;
    this.#evidence.recent = recent;
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

  /** The weakest successor makes place; what it counted stays as the newcomer's possible error. */
  #replace(row: number, to: string): number {
    let weakest = row * this.width;
    for (let slot = weakest + 1; slot < (row + 1) * this.width; slot++)
      if ((this.#long[slot] as number) < (this.#long[weakest] as number)) weakest = slot;
    this.#to[weakest] = this.#canonical(to);
    this.#error[weakest] = this.#long[weakest] as number;
    this.#short[weakest] = 0;
    this.#bins.fill(0, weakest * DELAY_BINS, (weakest + 1) * DELAY_BINS);
    this.#recent.clearSlot(row, weakest - row * this.width);
    return weakest;
  }

  /** The copy of a name that is held already, so that each report's own copy can be freed. */
  #canonical(name: string): string {
    const row = this.rows.find(name);
    return row < 0 ? name : this.rows.keyOf(row);
  }

  #clear(row: number): void {
    const from = row * this.width;
    this.#seenShort[row] = 0;
    this.#used[row] = 0;
    for (const values of [this.#long, this.#error, this.#short]) values.fill(0, from, from + this.width);
    this.#bins.fill(0, from * DELAY_BINS, (from + this.width) * DELAY_BINS);
    this.#recent.clearRow(row);
  }
}
