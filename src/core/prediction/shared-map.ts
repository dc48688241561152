import { hashPair } from "../hash.ts";
import { patternOfKey, shardOfKey, typeOfKey } from "../keys.ts";
import { contextOf, EVENT, PATTERN, SHARD, type ShardTable } from "../learning/shard-table.ts";
import type { MapDelta } from "../map-delta.ts";
import { ABSENT_BINS, presentBin, priorOfBin, ROW_BINS, shardOf, USER_PLACEHOLDER } from "./row-bins.ts";
import { RowTable } from "./row-table.ts";

/** Steps seen here after which own experience is believed rather than others'. */
const OWN_EXPERIENCE = 4;
/** 1/this is about how many labels a bin's rate remembers. */
const RATE = 0.02;
const SLOTS = 6;
/** How many sightings a probability of the map counts as: others' experience, not one's own. */
const WEIGHT = 32;
/** The least share of a row's visits that is worth naming. */
const MIN_SHARE = 0.03;

/**
 * What follows what according to others: rows from the coordinator, used where this partition has little experience of
 * its own. How far they hold here is learned, too. O(slots) per event, nothing while there are no rows.
 */
export class SharedMap {
  readonly #shards: ShardTable;
  readonly #rows: RowTable;
  readonly #rates = Float32Array.from({ length: ROW_BINS }, (_, bin) => priorOfBin(bin));
  #filled = false;

  /** @param rows number of rows kept, a power of two. */
  constructor(shards: ShardTable, rows: number) {
    this.#shards = shards;
    this.#rows = new RowTable({ rows, slots: SLOTS, halveAt: 64, delays: true });
  }

  get bytes(): number {
    return this.#rows.bytes;
  }

  /** Whether there is anything in it. */
  get filled(): boolean {
    return this.#filled;
  }

  /** Takes over a delta: its rows replace those of before, a whole one replaces all there were. O(delta). */
  apply({ whole, entries }: MapDelta): void {
    if (whole) this.#rows.clear();
    for (const [key, next] of entries) {
      const from = contextOfKey(key);
      if (from === 0) continue;
      const targets = next.map(([shard]) => this.#reference(shard));
      const counts = next.map(([, probability]) => probability * WEIGHT);
      const delays = next.map(([, , delay]) => delay);
      this.#rows.put(hashPair(from, 0), WEIGHT, targets, counts, delays);
    }
    if (whole || entries.length > 0) this.#filled = entries.length > 0;
  }

  /**
   * Calls `name` for each shard that others read after the first of the `contexts` of which anything is known, unless
   * there is `experience` enough here.
   */
  propose(
    contexts: readonly number[],
    experience: number,
    user: string,
    name: (handle: number, bin: number, share: number, delayStep: number) => void,
  ): void {
    if (experience >= OWN_EXPERIENCE) return;
    const rows = this.#rows;
    const row = contexts.map((context) => rows.find(hashPair(context, 0))).find((found) => found >= 0);
    if (row === undefined) return;
    for (let slot = row * SLOTS; slot < (row + 1) * SLOTS; slot++) {
      const share = rows.count(slot) / rows.total(row);
      if (rows.count(slot) === 0 || share < MIN_SHARE) continue;
      const target = this.#shards.resolve(rows.targets[slot] as number);
      const handle = target === 0 ? 0 : shardOf(target, this.#shards, user);
      if (handle !== 0) name(handle, presentBin(rows, row, slot), share, rows.delayStep(slot));
    }
  }

  /** Share of what is said with this bin that comes true. */
  rate(bin: number): number {
    return bin < ABSENT_BINS ? 0 : (this.#rates[bin] as number);
  }

  /** Learns that something said with this bin came true (1) or not (0). */
  learn(bin: number, label: number): void {
    this.#rates[bin] = this.rate(bin) + (label - this.rate(bin)) * RATE;
  }

  /** What was learned of how far others' knowledge holds here. */
  toState(): Float32Array {
    return this.#rates.slice();
  }

  restore(rates: Float32Array): void {
    this.#rates.set(rates);
  }

  #reference(text: string): number {
    const handle = this.#shards.intern(text, kindOf(text));
    this.#shards.touch(handle);
    return this.#shards.reference(handle);
  }
}

const kindOf = (shard: string) => (shard.includes(USER_PLACEHOLDER) ? PATTERN : SHARD);

/** The context that a pattern of two event types in a row is. */
export const contextOfPattern = (previous: number, type: number): number => hashPair(previous, type);

/** The context that a key of the map is; 0 for none. */
function contextOfKey(key: string): number {
  const shard = shardOfKey(key);
  if (shard !== null) return contextOf(shard, kindOf(shard));
  const type = typeOfKey(key);
  if (type !== null) return contextOf(type, EVENT);
  const [previous, next] = patternOfKey(key) ?? [];
  if (previous === undefined || next === undefined) return 0;
  return contextOfPattern(contextOf(previous, EVENT), contextOf(next, EVENT));
}
