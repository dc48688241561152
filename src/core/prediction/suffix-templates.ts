import { hashPair, hashText } from "../hash.ts";
import { type ShardTable, SUFFIX } from "../learning/shard-table.ts";
import type { Candidates } from "./candidates.ts";
import type { IdParts } from "./id-parts.ts";
import { presentBin } from "./row-bins.ts";
import { RowTable } from "./row-table.ts";

/** Longer ends are names, not forms. */
const MAX_SUFFIX = 40;
/** A rule is tried once it was seen twice, and in this share of the cases at least. */
const MIN_COUNT = 1.5;
const MIN_SHARE = 0.04;
const SALT = 5;
/** Sightings before an exchange is taken down. */
const SIGHTINGS = 2;
/** Exchanges seen once that are remembered, about. */
const DOORKEEPER = 1 << 15;

/**
 * Ends of ids that follow each other: after `…/7-index.htm` the same user reads `…/7.txt`, after `…-9.tar.gz`
 * `…-10.tar.gz`. What is learned is the exchange of one end for another at a punctuation mark, so that it holds for ids
 * never seen. O(boundaries × slots) per event.
 */
export class SuffixTemplates {
  readonly #shards: ShardTable;
  readonly #rows: RowTable;
  readonly #previous: string[] = [];
  readonly #doorkeeper = new Uint8Array(DOORKEEPER);

  /** @param rows rows of the table, a power of two. */
  constructor(shards: ShardTable, rows: number) {
    this.#shards = shards;
    this.#rows = new RowTable({ rows, slots: 8, halveAt: 64 });
  }

  get bytes(): number {
    return this.#rows.bytes + DOORKEEPER;
  }

  get tables(): readonly RowTable[] {
    return [this.#rows];
  }

  /** Forgets what the user in `slot` read, since the slot is another's now. */
  reset(slot: number): void {
    this.#previous[slot] = "";
  }

  /** The user in `slot` came to this id last: nothing is learned from it again. */
  recall(slot: number, id: string): void {
    this.#previous[slot] = id;
  }

  /**
   * The user in `slot` comes to the id taken apart in `parts`: learns, and names what its end suggests. `nameEnd` is where
   * the user's own id ends in it, 0 where it is not: an end with a part of it is not learned, for rows are all users'.
   */
  observe(
    slot: number,
    id: string,
    parts: IdParts,
    nameEnd: number,
    candidates: Candidates,
    expert: number,
  ): void {
    const previous = this.#previous[slot];
    if (previous !== undefined && previous !== "" && previous !== id)
      this.#learn(previous, id, parts, nameEnd);
    this.#previous[slot] = id;
    for (let b = 0; b < parts.boundaries; b++) {
      const end = parts.boundary[b] as number;
      if (id.length - end > MAX_SUFFIX) return;
      const row = this.#rows.find(keyOf(id, end));
      if (row < 0) continue;
      this.#rows.visit(row);
      this.#propose(row, id.slice(0, end), candidates, expert);
    }
  }

  /** Learns the exchange at the last boundary up to which both ids are equal. */
  #learn(previous: string, id: string, parts: IdParts, nameEnd: number): void {
    const common = commonLength(previous, id);
    for (let b = 0; b < parts.boundaries; b++) {
      const end = parts.boundary[b] as number;
      if (end > common) continue;
      if (end < nameEnd) return;
      if (previous.length - end > MAX_SUFFIX || id.length - end > MAX_SUFFIX) return;
      const key = keyOf(previous, end);
      if (!this.#seenBefore(hashPair(key, hashText(id, end)))) return;
      const row = this.#rows.findOrAdd(key);
      // A new row missed the visits before it was made.
      if (this.#rows.total(row) === 0)
        for (let missed = 0; missed < SIGHTINGS; missed++) this.#rows.visit(row);
      const target = this.#shards.intern(id.slice(end), SUFFIX);
      this.#shards.touch(target);
      const reference = this.#shards.reference(target);
      if (!this.#rows.has(row, reference)) this.#rows.add(row, reference);
      this.#rows.add(row, reference);
      return;
    }
  }

  /** False the first time it is asked of an exchange, lately: most are chance, and never seen again. */
  #seenBefore(exchange: number): boolean {
    const at = exchange & (DOORKEEPER - 1);
    const tag = (exchange >>> 16) & 0xff || 1;
    if (this.#doorkeeper[at] === tag) return true;
    this.#doorkeeper[at] = tag;
    return false;
  }

  #propose(row: number, prefix: string, candidates: Candidates, expert: number): void {
    const rows = this.#rows;
    const least = Math.max(MIN_COUNT, MIN_SHARE * rows.total(row));
    const from = row * rows.slots;
    for (let slot = from; slot < from + rows.slots; slot++) {
      if (rows.count(slot) < least) continue;
      const suffix = this.#shards.resolve(rows.targets[slot] as number);
      if (suffix === 0) continue;
      const handle = this.#shards.intern(prefix + this.#shards.ids[suffix]);
      candidates.say(handle, expert, presentBin(rows, row, slot));
    }
  }
}

const keyOf = (id: string, end: number): number => hashPair(hashText(id, end), SALT);

const commonLength = (a: string, b: string): number => {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
};
