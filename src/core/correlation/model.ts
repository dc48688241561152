import { Reliability, type ReliabilityState } from "../prediction/reliability.ts";
import { type EpochMillis, HOUR, type Millis, millis } from "../units.ts";
import { EdgeTable, type EdgeTableState } from "./edge-table.ts";
import { type CorrelationMatrix, correlationMatrix } from "./matrix.ts";
import { type ProbabilityMap, probabilityMap } from "./probability-map.ts";
import { Rates, type RatesState } from "./rates.ts";
import type { EdgeDelta, EventReport } from "./report.ts";
import { type SequenceState, Sequences } from "./sequences.ts";
import type { Slice, SliceRow } from "./slice.ts";

/** Bounds of the model. */
export interface ModelBounds {
  /** Shards whose successors are known, and successors of each. */
  readonly shards: number;
  readonly successors: number;
  readonly types: number;
  readonly shardsPerType: number;
}

export const DEFAULT_BOUNDS: ModelBounds = { shards: 8_192, successors: 12, types: 256, shardsPerType: 256 };
/** Between compactions a table may grow to this multiple of its bound. */
const SLACK = 1.5;
/** Rows of the matrix hold this many coefficients. */
const MATRIX_WIDTH = 16;
/** A peak within this time is worth preparing for. */
const SEASON_AHEAD = millis(HOUR);

/** A {@link CorrelationModel} as plain data. */
export interface ModelState {
  readonly version: number;
  readonly sequences: readonly SequenceState[];
  readonly shards: EdgeTableState;
  readonly types: EdgeTableState;
  readonly typeShards: EdgeTableState;
  readonly demand: EdgeTableState;
  readonly rates: RatesState;
  readonly reliability: ReliabilityState;
}

/**
 * The event correlation engine: merges what partitions report into long-term knowledge of what follows what, how often
 * event types come, and how they go together. Each report counts once, in whatever order they come. Applying is O(report)
 * but for now and then a compaction, O(model log model).
 */
export class CorrelationModel {
  readonly #bounds: ModelBounds;
  #version = 0;
  #sequences = new Sequences();
  /** Shard → shard. */
  #shards = new EdgeTable();
  /** Event type → event type. */
  #types = new EdgeTable();
  /** Event type → shard. */
  #typeShards = new EdgeTable();
  /** Demand: region → shard, and each shard as a source of its own count. */
  #demand = new EdgeTable();
  #rates = new Rates();
  #reliability = new Reliability();

  constructor(bounds: ModelBounds = DEFAULT_BOUNDS) {
    this.#bounds = bounds;
  }

  /** Counts up with each report merged. */
  get version(): number {
    return this.#version;
  }

  /** How good the partitions' probabilities are, all together. */
  get reliability(): Reliability {
    return this.#reliability;
  }

  get rates(): Rates {
    return this.#rates;
  }

  /** Merges a report; false when it had been merged before. */
  apply(report: EventReport): boolean {
    if (!this.#sequences.admit(report.partition, report.sequence)) return false;
    const time = report.until;
    this.#version++;
    this.#shards.addSources(report.steps, time);
    this.#shards.addEdges(report.shards, time);
    this.#types.addSources(report.types, time);
    this.#types.addEdges(report.typePairs, time);
    this.#typeShards.addSources(report.types, time);
    this.#typeShards.addEdges(report.typeShards, time);
    this.#applyDemand(report);
    for (const { name, count } of report.types) this.#rates.count(name, count, time);
    this.#reliability.merge(report.reliability);
    this.#makeRoom(time);
    return true;
  }

  /** Lets time pass for the rates; returns the event types whose rate has changed significantly. */
  advance(now: EpochMillis): readonly string[] {
    return this.#rates.advance(now);
  }

  /** Reports of `partition` received ahead of a missing one. */
  gaps(partition: string): number {
    return this.#sequences.gaps(partition);
  }

  /** How event types go together. */
  matrix(now: EpochMillis): CorrelationMatrix {
    return correlationMatrix(this.#types, now, MATRIX_WIDTH);
  }

  /** What is read after events of each type. */
  map(now: EpochMillis): ProbabilityMap {
    return probabilityMap(this.#typeShards, this.#demand, now, this.#bounds.shardsPerType);
  }

  /** Reads of a region's most wanted shards, decayed over a week, the most wanted first. */
  demand(
    region: string,
    now: EpochMillis,
    most: number,
  ): readonly { readonly shard: string; readonly reads: number }[] {
    return this.#demand
      .successors(REGION_MARK + region, now, most)
      .map(({ to, count }) => ({ shard: to, reads: count }));
  }

  /** By how much more events of `type` are expected an hour from now than now; 1 is as now. */
  peakAhead(type: string, now: EpochMillis): number {
    return this.#rates.season(type, (now + SEASON_AHEAD) as EpochMillis, now);
  }

  /** Events of `type` expected in the `length` from `time`. */
  expected(type: string, time: EpochMillis, length: Millis): number {
    return this.#rates.expected(type, time, length);
  }

  /** What is worth telling a partition: the weightiest rows about the shards and event types, at most `mostRows`. */
  slice(now: EpochMillis, mostRows: number, mostPerRow = 6): Slice {
    const rows = [
      ...rowsOf(this.#shards, false, now, mostRows, mostPerRow),
      ...rowsOf(this.#typeShards, true, now, mostRows, mostPerRow),
    ];
    rows.sort((a, b) => b.count - a.count || (a.from < b.from ? -1 : 1));
    return { version: this.#version, rows: rows.slice(0, mostRows) };
  }

  toState(): ModelState {
    return {
      version: this.#version,
      sequences: this.#sequences.toState(),
      shards: this.#shards.toState(),
      types: this.#types.toState(),
      typeShards: this.#typeShards.toState(),
      demand: this.#demand.toState(),
      rates: this.#rates.toState(),
      reliability: this.#reliability.toState(),
    };
  }

  static fromState(state: ModelState, bounds: ModelBounds = DEFAULT_BOUNDS): CorrelationModel {
    const model = new CorrelationModel(bounds);
    model.#version = state.version;
    model.#sequences = Sequences.fromState(state.sequences);
    model.#shards = EdgeTable.fromState(state.shards);
    model.#types = EdgeTable.fromState(state.types);
    model.#typeShards = EdgeTable.fromState(state.typeShards);
    model.#demand = EdgeTable.fromState(state.demand);
    model.#rates = Rates.fromState(state.rates);
    model.#reliability = Reliability.fromState(state.reliability);
    return model;
  }

  #applyDemand(report: EventReport): void {
    const region = REGION_MARK + report.region;
    const edges: EdgeDelta[] = report.demand.map(({ shard, reads }) => ({
      from: region,
      to: shard,
      count: reads,
      delays: [],
    }));
    this.#demand.addEdges(edges, report.until);
    this.#demand.addSources(
      [{ name: region, count: report.hits + report.misses + report.late }],
      report.until,
    );
    this.#demand.addSources(
      report.demand.map(({ shard, reads }) => ({ name: shard, count: reads })),
      report.until,
    );
  }

  #makeRoom(now: EpochMillis): void {
    const { shards, successors, types, shardsPerType } = this.#bounds;
    if (this.#shards.sources > shards * SLACK) this.#shards.compact(now, shards, successors);
    if (this.#types.sources > types * SLACK) this.#types.compact(now, types, types);
    if (this.#typeShards.size > types * shardsPerType * SLACK)
      this.#typeShards.compact(now, types, shardsPerType);
    if (this.#demand.sources > shards * SLACK) this.#demand.compact(now, shards, shards);
  }
}

/** Keeps regions apart from shards, which cannot begin with a control character. */
const REGION_MARK = "\u0004";

function rowsOf(
  table: EdgeTable,
  event: boolean,
  now: EpochMillis,
  mostRows: number,
  mostPerRow: number,
): SliceRow[] {
  return [...table.names()]
    .map((from) => ({ from, count: table.count(from, now) }))
    .sort((a, b) => b.count - a.count || (a.from < b.from ? -1 : 1))
    .slice(0, mostRows)
    .map(({ from, count }) => ({
      from,
      event,
      count,
      to: table.successors(from, now, mostPerRow).map(({ to, count: n }) => ({ shard: to, count: n })),
    }))
    .filter((row) => row.to.length > 0);
}
