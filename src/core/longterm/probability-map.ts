import { typeOfKey } from "../keys.ts";
import type { DeltaSuccessor, MapDelta } from "../map-delta.ts";
import { MINUTE } from "../units.ts";
import { DRIFT_G2 } from "./blend.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import { LONG_TERM, type Moment, SHORT_TERM } from "./decay.ts";
import type { EdgeTable, Successor } from "./edge-table.ts";
import { MapVersions } from "./map-versions.ts";
import { isSignificant } from "./significance.ts";

/** Less probable successors are not worth sending to anyone. It is also what the farthest of a lookahead counts. */
const MIN_PROBABILITY = 0.05;
/** Successors told of a shard, and of an event type, which leads to more. */
const PUBLISHED = { shard: 4, type: 16 } as const;
/** Rows that nothing touched are read again when they are this old: their evidence has decayed meanwhile. */
const READ_AGAIN_AFTER = 10 * MINUTE;
/** A switch is significant in a key that occurred so often... */
const POPULAR_COUNT = 10;
/** ...and made up such a share of all events. */
const POPULAR_SHARE = 0.002;

/** A pattern that has changed significantly. */
export interface PatternChange {
  /** The key: whose successors switched, or the event type whose rate jumped. */
  readonly key: string;
  readonly kind: "successors" | "rate";
  /** When it was noticed. */
  readonly since: number;
}

/** What the map is made from. */
export interface MapSources {
  /** Rows of shards and rows of event types. */
  readonly tables: readonly [shards: EdgeTable, types: EdgeTable];
  readonly rateChanged: (type: string, now: number) => boolean;
}

/**
 * The prefetch probability map: for each key the successors that pass the gates, kept up to date row by row: only rows
 * that were touched are read again.
 */
export class ProbabilityRows {
  readonly #sources: MapSources;
  readonly #rows = new Map<string, readonly Successor[]>();
  readonly #versions = new MapVersions();
  readonly #touched: readonly [Set<number>, Set<number>] = [new Set(), new Set()];
  readonly #forgotten = new Set<string>();
  readonly #changes = new Map<string, PatternChange>();
  #allReadAt = Number.NEGATIVE_INFINITY;

  constructor(sources: MapSources) {
    this.#sources = sources;
  }

  /** A row has new counts. O(1). */
  touch(table: 0 | 1, row: number): void {
    this.#touched[table].add(row);
  }

  /** A key has lost its row. O(1). */
  forget(key: string): void {
    if (this.#rows.has(key) || this.#changes.has(key)) this.#forgotten.add(key);
  }

  /** Brings the map up to date. O(touched rows × width). */
  refresh(now: number, fade: Moment): void {
    if (now - this.#allReadAt >= READ_AGAIN_AFTER) this.#touchAll(now);
    for (const key of this.#forgotten) this.#drop(key);
    this.#forgotten.clear();
    for (const table of [0, 1] as const) {
      for (const row of this.#touched[table]) this.#read(table, row, now, fade);
      this.#touched[table].clear();
    }
  }

  /** Rows of event types: `[event type, successors]`. */
  *types(): Generator<readonly [type: string, next: readonly Successor[]]> {
    for (const [key, next] of this.#rows) {
      const type = typeOfKey(key);
      if (type !== null) yield [type, next];
    }
  }

  /** Whether a new version may be made, so that refreshing serves a purpose. */
  isDue(now: number): boolean {
    return this.#versions.isDue(now);
  }

  deltaSince(version: number, now: number): MapDelta | null {
    return this.#versions.since(version, now);
  }

  changes(): readonly PatternChange[] {
    return [...this.#changes.values()];
  }

  /** Writes the changes noticed; the rest is read anew from the tables. */
  write(writer: ByteWriter): void {
    writer.count(this.#changes.size);
    for (const { key, kind, since } of this.#changes.values()) {
      writer.name(key);
      writer.name(kind);
      writer.float(since);
    }
  }

  read(reader: ByteReader): void {
    for (let left = reader.count(); left > 0; left--) {
      const key = reader.name();
      const kind = reader.name() === "rate" ? "rate" : "successors";
      this.#changes.set(key, { key, kind, since: reader.float() });
    }
  }

  #touchAll(now: number): void {
    this.#allReadAt = now;
    for (const table of [0, 1] as const)
      for (let row = 0; row < this.#sources.tables[table].rows.size; row++) this.#touched[table].add(row);
  }

  #read(index: 0 | 1, row: number, now: number, fade: Moment): void {
    const table = this.#sources.tables[index];
    const key = table.rows.keyOf(row);
    const type = typeOfKey(key);
    const rateChanged = type !== null && this.#sources.rateChanged(type, now);
    const { seen, lately, drift, next } = table.read(row, fade, rateChanged, MIN_PROBABILITY);
    const popular = seen >= POPULAR_COUNT && seen >= POPULAR_SHARE * table.occurrences(fade);
    this.#noteChange(key, popular && drift > DRIFT_G2 ? "successors" : rateChanged ? "rate" : null, now);
    const kept = next.filter((one) => one.to !== key && this.#passes(one, seen, table, fade));
    if (kept.length > 0) this.#rows.set(key, kept);
    else this.#rows.delete(key);
    const told = kept.slice(0, type === null ? PUBLISHED.shard : PUBLISHED.type).map(publishedOf);
    const used = told.reduce((sum, [, probability]) => sum + probability, 0);
    this.#versions.put(key, told, used * (lately / SHORT_TERM + seen / LONG_TERM));
  }

  /** Lift and G² of one edge, against how much of everything leads to its shard. */
  #passes({ to, count }: Successor, seen: number, table: EdgeTable, fade: Moment): boolean {
    const [shards] = this.#sources.tables;
    const first = Math.max(seen, count);
    const second = Math.max(count, shards.seen(to, fade) * table.weightPerOccurrence);
    const total = Math.max(table.occurrences(fade), first + second - count);
    return isSignificant({ both: count, first, second, total });
  }

  #noteChange(key: string, kind: PatternChange["kind"] | null, now: number): void {
    if (kind === null) this.#changes.delete(key);
    else if (this.#changes.get(key)?.kind !== kind) this.#changes.set(key, { key, kind, since: now });
  }

  #drop(key: string): void {
    this.#rows.delete(key);
    this.#changes.delete(key);
    this.#versions.put(key, [], 0);
  }
}

/** Three digits of a probability and whole milliseconds are all a prefetch needs. */
const publishedOf = ({ to, probability, delay }: Successor): DeltaSuccessor => [
  to.slice(2),
  Math.round(probability * 1_000) / 1_000,
  Math.round(delay),
];
