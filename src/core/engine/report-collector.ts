import type { CountDelta, DemandDelta, EdgeDelta, EventReport } from "../correlation/report.ts";
import { SpaceSaving } from "../correlation/space-saving.ts";
import { Reliability } from "../prediction/reliability.ts";
import type { EpochMillis } from "../units.ts";

/** Places for edges, shards and types: what a few seconds of a busy partition bring, the rest is chance. */
const EDGES = 512;
const SHARDS = 256;
const TYPES = 64;
/** Estimated size a report may have, of the 64 KiB that its bearer takes. */
const MAX_BYTES = 56 * 1_024;
/** JSON around an edge's names. */
const EDGE_BYTES = 48;
/** Joins two names to a key; ids hold no control characters. */
const SEPARATOR = "\u0005";

/** What the owner of a collector adds to a report. */
export interface ReportHeader {
  readonly partition: string;
  readonly region: string;
  readonly sequence: number;
  readonly from: EpochMillis;
  readonly until: EpochMillis;
  readonly changed: boolean;
}

/** Edges with their counts and mean logarithmic delay. */
class EdgeDeltas {
  readonly #summary: SpaceSaving<string>;
  readonly #delays = new Map<string, number>();
  dropped = 0;

  constructor(places: number) {
    this.#summary = new SpaceSaving(places);
  }

  add(from: string, to: string, delay: number): void {
    const key = from + SEPARATOR + to;
    const displaced = this.#summary.add(key);
    if (displaced !== undefined) {
      this.#delays.delete(displaced);
      this.dropped++;
    }
    this.#delays.set(key, (this.#delays.get(key) ?? 0) + (delay < 1 ? 0 : 1 + Math.floor(Math.log2(delay))));
  }

  /** The edges, most frequent first, by their certain counts, in at most `bytes`. */
  take(bytes: number): readonly EdgeDelta[] {
    const edges: EdgeDelta[] = [];
    let left = bytes;
    for (const { key, count, error } of this.#summary.top()) {
      const [from, to] = key.split(SEPARATOR) as [string, string];
      left -= key.length + EDGE_BYTES;
      if (left < 0) {
        this.dropped++;
        continue;
      }
      const certain = count - error;
      const bin = Math.min(31, Math.round((this.#delays.get(key) ?? 0) / certain));
      edges.push({ from, to, count: certain, delays: [[bin, certain]] });
    }
    return edges;
  }
}

/**
 * Collects what a partition reports: bounded, by names that anyone may read. Shards that are named after a user come in
 * as a pattern, or not at all. Each event costs O(log places).
 */
export class ReportCollector {
  #types = new SpaceSaving<string>(TYPES);
  #typePairs = new EdgeDeltas(TYPES * 2);
  #typeShards = new EdgeDeltas(EDGES / 2);
  #shards = new EdgeDeltas(EDGES);
  #steps = new SpaceSaving<string>(EDGES);
  #reads = new SpaceSaving<string>(SHARDS);
  #misses = new Map<string, number>();
  #counts = { hits: 0, misses: 0, late: 0, prefetches: 0, prefetchesUsed: 0 };
  #reliability = new Reliability();
  #events = 0;

  /** Events collected since the last report. */
  get events(): number {
    return this.#events;
  }

  type(type: string): void {
    this.#events++;
    this.#types.add(type);
  }

  /** An event of `type` came `delay` after one of `previous`, of the same user. */
  typePair(previous: string, type: string, delay: number): void {
    this.#typePairs.add(previous, type, delay);
  }

  /** `shard` was read `delay` after an event of `previous`, of the same user. */
  typeShard(previous: string, shard: string, delay: number): void {
    this.#typeShards.add(previous, shard, delay);
  }

  /** `shard` was read `delay` after `previous`, of the same user. */
  shardPair(previous: string, shard: string, delay: number): void {
    this.#steps.add(previous);
    this.#shards.add(previous, shard, delay);
  }

  read(outcome: "hit" | "miss" | "late", prefetched: boolean): void {
    if (outcome === "hit") this.#counts.hits++;
    else if (outcome === "miss") this.#counts.misses++;
    else this.#counts.late++;
    if (prefetched) this.#counts.prefetchesUsed++;
  }

  demand(shard: string, missed: boolean): void {
    const displaced = this.#reads.add(shard);
    if (displaced !== undefined) this.#misses.delete(displaced);
    if (missed) this.#misses.set(shard, (this.#misses.get(shard) ?? 0) + 1);
  }

  planned(prefetches: number): void {
    this.#counts.prefetches += prefetches;
  }

  outcome(probability: number, label: number): void {
    this.#reliability.add(probability, label);
  }

  /** The report, after which everything starts from nothing. O(places log places). */
  take(header: ReportHeader): EventReport {
    const shards = this.#shards.take(MAX_BYTES / 2);
    const typeShards = this.#typeShards.take(MAX_BYTES / 4);
    const typePairs = this.#typePairs.take(MAX_BYTES / 8);
    const sources = new Set(shards.map((edge) => edge.from));
    const report: EventReport = {
      ...header,
      ...this.#counts,
      types: certain(this.#types),
      typePairs,
      typeShards,
      shards,
      steps: certain(this.#steps).filter(({ name }) => sources.has(name)),
      demand: this.#demand(MAX_BYTES / 8),
      reliability: this.#reliability.toState(),
      dropped: this.#shards.dropped + this.#typeShards.dropped + this.#typePairs.dropped,
    };
    this.#reset();
    return report;
  }

  #demand(bytes: number): readonly DemandDelta[] {
    let left = bytes;
    return certain(this.#reads)
      .filter(({ name }) => {
        left -= name.length + EDGE_BYTES;
        return left >= 0;
      })
      .map(({ name, count }) => ({ shard: name, reads: count, misses: this.#misses.get(name) ?? 0 }));
  }

  #reset(): void {
    this.#types = new SpaceSaving<string>(TYPES);
    this.#typePairs = new EdgeDeltas(TYPES * 2);
    this.#typeShards = new EdgeDeltas(EDGES / 2);
    this.#shards = new EdgeDeltas(EDGES);
    this.#steps = new SpaceSaving<string>(EDGES);
    this.#reads = new SpaceSaving<string>(SHARDS);
    this.#misses = new Map();
    this.#counts = { hits: 0, misses: 0, late: 0, prefetches: 0, prefetchesUsed: 0 };
    this.#reliability = new Reliability();
    this.#events = 0;
  }
}

/** Counts without what a key may have inherited from the one it displaced. */
const certain = (summary: SpaceSaving<string>): readonly CountDelta[] =>
  summary
    .top()
    .map(({ key, count, error }) => ({ name: key, count: count - error }))
    .filter(({ count }) => count > 0);
