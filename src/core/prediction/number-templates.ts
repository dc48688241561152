import { hashPair } from "../hash.ts";
import type { ShardTable } from "../learning/shard-table.ts";
import type { Candidates } from "./candidates.ts";
import { type IdParts, MAX_NUMBERS } from "./id-parts.ts";
import { presentBin } from "./row-bins.ts";
import { RowTable } from "./row-table.ts";

/** Steps of a user a number is compared with: some users read several sequences at once. */
export const RING = 8;
/** Differences are stored as positive integers around this. */
const ZERO = 1 << 21;
/** Larger differences are no steps. */
const MAX_STEP = 1 << 20;
/** A step is tried once it was seen twice, and in this share of the cases at least. */
const MIN_COUNT = 1.5;
const MIN_SHARE = 0.04;

/** Number of experts here: steps, and steps after the previous step. */
export const NUMBER_EXPERTS = 2;

/**
 * Numeric relations between ids of one user: `seg-12` is followed by `seg-13`, block 4096 by 4104. What is learned is
 * the difference, per shape of the id and event type, so that it holds for ids never seen. Two experts: differences to
 * any of the user's last {@link RING} ids that are equal but for one number, and the difference that follows a
 * difference. O(ring × numbers) per event.
 */
export class NumberTemplates {
  readonly #shards: ShardTable;
  readonly #steps: RowTable;
  readonly #chains: RowTable;
  readonly #rest: Int32Array;
  readonly #value: Float64Array;
  readonly #step: Int32Array;
  readonly #length: Int32Array;

  /** @param users number of users kept track of. @param rows rows of the larger table, a power of two. */
  constructor(shards: ShardTable, users: number, rows: number) {
    this.#shards = shards;
    this.#steps = new RowTable({ rows: rows / 2, slots: 16, halveAt: 120 });
    this.#chains = new RowTable({ rows, slots: 6, halveAt: 64 });
    this.#rest = new Int32Array(users * RING * MAX_NUMBERS);
    this.#value = new Float64Array(users * RING * MAX_NUMBERS);
    this.#step = new Int32Array(users * RING * MAX_NUMBERS);
    this.#length = new Int32Array(users);
  }

  get bytes(): number {
    return this.#steps.bytes + this.#chains.bytes + this.#rest.byteLength * 4;
  }

  get tables(): readonly RowTable[] {
    return [this.#steps, this.#chains];
  }

  /** Forgets what the user in `slot` read, since the slot is another's now. */
  reset(slot: number): void {
    this.#length[slot] = 0;
  }

  /** The user in `slot` came to the id taken apart in `parts` before: nothing is learned from it again. */
  recall(slot: number, parts: IdParts): void {
    const length = this.#length[slot] as number;
    const at = (slot * RING + (length % RING)) * MAX_NUMBERS;
    this.#rest.fill(0, at, at + MAX_NUMBERS);
    for (let n = 0; n < parts.numbers; n++)
      this.#note(at + n, parts, n, this.#latestStep(slot, length, parts, n));
    this.#length[slot] = length + 1;
  }

  /** The user in `slot` comes to the id taken apart in `parts`: learns, and names what the numbers suggest. */
  observe(
    slot: number,
    id: string,
    parts: IdParts,
    kind: number,
    candidates: Candidates,
    firstExpert: number,
  ): void {
    const length = this.#length[slot] as number;
    const at = (slot * RING + (length % RING)) * MAX_NUMBERS;
    this.#rest.fill(0, at, at + MAX_NUMBERS);
    for (let n = 0; n < parts.numbers; n++) {
      const key = hashPair(hashPair(parts.shape, kind), n);
      const step = this.#learn(slot, length, parts, n, key);
      this.#note(at + n, parts, n, step);
      this.#propose(this.#steps, key, id, parts, n, candidates, firstExpert);
      this.#propose(this.#chains, hashPair(key, step), id, parts, n, candidates, firstExpert + 1);
    }
    this.#length[slot] = length + 1;
  }

  #note(at: number, parts: IdParts, n: number, step: number): void {
    this.#rest[at] = parts.rest[n] as number;
    this.#value[at] = parts.value[n] as number;
    this.#step[at] = step;
  }

  /** The difference to the latest comparable id of the user's, 0 if there is none. */
  #latestStep(slot: number, length: number, parts: IdParts, n: number): number {
    for (let back = 1; back < RING && back <= length; back++) {
      const at = (slot * RING + ((length - back) % RING)) * MAX_NUMBERS + n;
      if (this.#rest[at] !== parts.rest[n]) continue;
      const step = (parts.value[n] as number) - (this.#value[at] as number);
      if (Math.abs(step) <= MAX_STEP) return step;
    }
    return 0;
  }

  /** Counts the differences to the user's last ids; returns that to the latest comparable one, 0 if there is none. */
  #learn(slot: number, length: number, parts: IdParts, n: number, key: number): number {
    let latest = 0;
    for (let back = 1; back < RING && back <= length; back++) {
      const at = (slot * RING + ((length - back) % RING)) * MAX_NUMBERS + n;
      if (this.#rest[at] !== parts.rest[n]) continue;
      const step = (parts.value[n] as number) - (this.#value[at] as number);
      if (step === 0) break;
      if (step > MAX_STEP || step < -MAX_STEP) continue;
      this.#steps.add(this.#steps.findOrAdd(key), step + ZERO);
      if (latest !== 0) continue;
      latest = step;
      this.#chains.add(this.#chains.findOrAdd(hashPair(key, this.#step[at] as number)), step + ZERO);
    }
    return latest;
  }

  #propose(
    rows: RowTable,
    key: number,
    id: string,
    parts: IdParts,
    n: number,
    candidates: Candidates,
    expert: number,
  ): void {
    const row = rows.find(key);
    if (row < 0) return;
    rows.visit(row);
    const least = Math.max(MIN_COUNT, MIN_SHARE * rows.total(row));
    const from = row * rows.slots;
    for (let slot = from; slot < from + rows.slots; slot++) {
      if (rows.count(slot) < least) continue;
      const step = (rows.targets[slot] as number) - ZERO;
      const text = parts.withNumber(id, n, (parts.value[n] as number) + step);
      if (text !== "") candidates.say(this.#shards.intern(text), expert, presentBin(rows, row, slot));
    }
  }
}
