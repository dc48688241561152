import { shardOfKey, typeOfKey } from "../keys.ts";
import type { DeltaSuccessor, MapDelta } from "../map-delta.ts";
import { MINUTE, SECOND } from "../units.ts";
import type { Moment } from "./decay.ts";
import type { EdgeTable, Follower, Row } from "./edge-table.ts";
import { type DemandFor, MapVersions } from "./map-versions.ts";
import { contingency, isSignificant } from "./significance.ts";

/** Less probable followers are not worth sending to anyone. */
const MIN_PROBABILITY = 0.05;
/** What is as likely is told though it comes as often after everything else: by chance alone it still is. */
const LIKELY = 0.7;
/** Of followers alike in probability the nearer are told: one that is so much later is worth half. */
const HALF_WORTH = 10 * SECOND;
/** Rows that nothing touched are read again when they are this old: their evidence has decayed meanwhile. */
const READ_AGAIN_AFTER = 10 * MINUTE;

/**
 * The prefetch probability map as partitions are told it: for each key the shards that are likely, or follow it more
 * often than by chance, kept up to date row by row: only rows that were touched are read again.
 */
export class ProbabilityMap {
  readonly #tables: readonly EdgeTable[];
  readonly #told: readonly number[];
  readonly #touched: readonly Set<number>[];
  readonly #gated: boolean;
  readonly #versions = new MapVersions();
  readonly #forgotten = new Set<string>();
  #allReadAt = Number.NEGATIVE_INFINITY;

  /** @param told followers told of a key of each table. @param gated whether only what beats chance is told. */
  constructor(tables: readonly EdgeTable[], told: readonly number[], gated: boolean) {
    this.#tables = tables;
    this.#told = told;
    this.#touched = tables.map(() => new Set());
    this.#gated = gated;
  }

  /** A row of one of the tables, by its index, has new counts. O(1). */
  touch(table: number, row: number): void {
    this.#touched[table]?.add(row);
  }

  /** A key has lost its row. O(1). */
  forget(key: string): void {
    if (this.#versions.has(key)) this.#forgotten.add(key);
  }

  /** What changed since `version` for a region; null when nothing did. O(touched rows × width), memoised. */
  deltaSince(version: number, now: number, fade: Moment, region: string, demand: DemandFor): MapDelta | null {
    // Rows are touched by the thousand between two versions, mostly the same ones: each is read once.
    if (this.#versions.begin(now)) this.#refresh(now, fade);
    return this.#versions.since(version, region, demand);
  }

  #refresh(now: number, fade: Moment): void {
    const readAll = now - this.#allReadAt >= READ_AGAIN_AFTER;
    if (readAll) this.#allReadAt = now;
    for (const key of this.#forgotten) this.#versions.put(key, [], 0);
    this.#forgotten.clear();
    this.#tables.forEach((table, index) => {
      const touched = this.#touched[index];
      const byChance = table.byChance();
      for (const row of readAll ? table.rows.ranked() : (touched ?? [])) {
        const { seen, next } = this.#read(table, row, byChance, fade);
        const told = next.slice(0, this.#told[index]).map(toldOf);
        this.#versions.put(table.rows.keyOf(row), told, seen);
      }
      touched?.clear();
    });
  }

  #read(table: EdgeTable, row: number, byChance: (to: string) => number, fade: Moment): Row {
    const key = table.rows.keyOf(row);
    const { seen, next } = table.row(row, fade, MIN_PROBABILITY);
    const total = table.occurrences(fade);
    const passes = ({ to, probability, count }: Follower): boolean =>
      probability >= LIKELY || isSignificant(contingency(count, seen, byChance(to) * total, total));
    // An event's own read is no news to whoever saw the event.
    const isOwn = ({ delay }: Follower): boolean => delay === 0 && typeOfKey(key) !== null;
    const kept = next
      .filter((one) => shardOfKey(one.to) !== null && one.to !== key && !isOwn(one))
      .filter((one) => !this.#gated || passes(one))
      .sort((a, b) => worthOf(b) - worthOf(a));
    return { seen, next: kept };
  }
}

const worthOf = ({ probability, delay }: Follower): number => probability / (1 + delay / HALF_WORTH);

/** Three digits of a probability and whole milliseconds are all a prefetch needs. */
const toldOf = ({ to, probability, delay }: Follower): DeltaSuccessor => [
  to.slice(2),
  Math.round(probability * 1_000) / 1_000,
  Math.round(delay),
];
