import { MAX_KEY_LENGTH, shardOfKey, typeOfKey } from "../keys.ts";
import type { MapDelta } from "../map-delta.ts";
import { type ReportBody, TICK } from "../reporting/report.ts";
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import { type Correlation, correlations } from "./correlation-matrix.ts";
import { type Moment, type Rescalable, TimeScales } from "./decay.ts";
import { Demand, type ShardDemand } from "./demand.ts";
import { EdgeTable, type Follower } from "./edge-table.ts";
import { type EventRate, EventRates } from "./event-rates.ts";
import { announcedSurges, type Expectation, inTheUsualHour } from "./expectations.ts";
import { type CalibrationBin, Outcomes, type RegionReadStats } from "./outcomes.ts";
import { ProbabilityMap } from "./probability-map.ts";
import { type PartitionPlan, type ScannedPartition, ScanPlanner, type TargetOf } from "./scan-plan.ts";
import { type SurgeCell, surgeCells } from "./surges.ts";

/** Rows of a table, and followers of each. */
type Bounds = readonly [rows: number, width: number];

/** Bounds of the model; some 15 MB in memory when all are reached. */
export interface ModelBounds {
  readonly shards: Bounds;
  /** Event types: callers name them, some dozens usually. Shards and types follow them. */
  readonly types: Bounds;
  /** Patterns of two event types. */
  readonly patterns: Bounds;
  /** Pairs of a region and an event type whose rate is known. */
  readonly series: number;
  /** Shards whose demand is known, a region. */
  readonly demand: number;
  /** Of the stored state before its text encoding, which adds a third: 4 MB with it. The rarest rows are left out. */
  readonly stateBytes: number;
}

const DEFAULT_BOUNDS: ModelBounds = {
  shards: [8_192, 12],
  types: [256, 48],
  patterns: [1_024, 16],
  series: 512,
  demand: 2_048,
  stateBytes: 3_000_000,
};

/** Followers that partitions are told of a key: of more they make nothing. */
const TOLD = 4;
/** Entries of the map as people see it: less probable ones are not shown. */
const SHOWN_FROM = 0.01;

/** Parts that a measurement can leave out. */
export const MODEL_PARTS = ["surges", "usual hours", "working sets", "gates", "type rows"] as const;
export type ModelPart = (typeof MODEL_PARTS)[number];

/** One line of the prefetch probability map. */
interface MapEntry {
  /** That the shard is asked for at or within the horizon after an event of the type. */
  readonly probability: number;
  /** The partition of the region that wants it most. */
  readonly targetPartition: string;
  /** ms after the event. */
  readonly expectedDelay: number;
}
/** `{event type: {shard: entry}}`. */
export type ShownMap = Record<string, Record<string, MapEntry>>;

/** The model as it is stored: plain, and opaque but for its format. */
export interface ModelState {
  readonly format: 3;
  readonly data: string;
}

/**
 * What the coordinator merged from all partitions' reports: what follows what, how event types go, correlate and surge,
 * what each region wants. All counts decay and merge by addition, so the order of reports does not matter; all is
 * bounded. Reads no clock: `now` must not go back by more than a moment, and report times beyond it are the caller's to
 * clamp.
 */
export class SharedModel {
  readonly #bounds: ModelBounds;
  readonly #without: ReadonlySet<ModelPart>;
  readonly #scales = new TimeScales();
  /** By {@link tableOf} their keys. */
  readonly #tables: readonly EdgeTable[];
  readonly #types: EdgeTable;
  readonly #rates: EventRates;
  readonly #demand: Demand;
  readonly #outcomes = new Outcomes();
  readonly #planner = new ScanPlanner();
  readonly #map: ProbabilityMap;
  /** All that decays. */
  readonly #counts: readonly Rescalable[];
  #first = Number.POSITIVE_INFINITY;

  /** @param without parts left out, to measure what they add. */
  constructor(bounds: Partial<ModelBounds> = {}, without: readonly ModelPart[] = []) {
    this.#bounds = { ...DEFAULT_BOUNDS, ...bounds };
    this.#without = new Set(without);
    const { shards, types, patterns, series, demand } = this.#bounds;
    const forget = (key: string): void => this.#map.forget(key);
    this.#types = new EdgeTable(types, forget);
    this.#tables = [new EdgeTable(shards, forget), this.#types, new EdgeTable(patterns, forget)];
    this.#rates = new EventRates(series);
    this.#demand = new Demand(demand);
    const told = [TOLD, this.#has("type rows") ? TOLD : 0, TOLD];
    this.#map = new ProbabilityMap(this.#tables, told, this.#has("gates"));
    this.#counts = [...this.#tables, this.#rates, this.#outcomes, this.#demand];
  }

  /** Adds one report's deltas; `time` is when the report was made. O(entries). */
  merge(region: string, body: ReportBody, time: number): void {
    const at = this.#scales.at(time, this.#counts);
    this.#first = Math.min(this.#first, time);
    this.#mergeRates(region, body, at);
    this.#mergeEdges(body, at);
    this.#demand.add(region, body, at);
    this.#outcomes.add(region, body, at);
  }

  /** The correlation matrix within visits, the strongest first. O(types × width). */
  correlations(now: number): readonly Correlation[] {
    return correlations(this.#types, this.#scales.fadeAt(now));
  }

  /** The correlation matrix between surges: the cells that are more than chance. O(series² × surges). */
  surges(now: number): readonly SurgeCell[] {
    return surgeCells(this.rates(now), now - this.#first, now);
  }

  /** Rates of the event types in each region, the most frequent first. O(series). */
  rates(now: number): readonly EventRate[] {
    return this.#rates.rates(now, this.#scales.fadeAt(now));
  }

  /** Whether any rate began to change significantly at or after `since`. O(series). */
  anyChangedSince(since: number, now: number): boolean {
    return this.#rates.anyChangedSince(since, now);
  }

  /** The prefetch probability map as people see it. O(types × width). */
  probabilityMap(now: number, targetOf: TargetOf): ShownMap {
    const fade = this.#scales.fadeAt(now);
    const map: ShownMap = {};
    for (let row = 0; row < this.#types.rows.size; row++) {
      const entries = this.#types.row(row, fade, SHOWN_FROM).next.flatMap((follower) => {
        const shard = shardOfKey(follower.to);
        if (shard === null) return [];
        const { probability, delay: expectedDelay } = follower;
        const targetPartition = targetOf(this.#demand.busiest(shard, fade), shard);
        return [[shard, { probability, targetPartition, expectedDelay }] as const];
      });
      const type = typeOfKey(this.#types.rows.keyOf(row));
      if (entries.length > 0 && type !== null) map[type] = Object.fromEntries(entries);
    }
    return map;
  }

  /** What follows a key, the likeliest first. O(width). */
  followers(key: string, now: number): readonly Follower[] {
    return this.#tables[tableOf(key)]?.of(key, this.#scales.fadeAt(now)).next ?? [];
  }

  /** What changed materially in the map for a region since `version`; null when nothing did. O(rows touched). */
  deltaSince(version: number, region: string, now: number): MapDelta | null {
    const fade = this.#scales.fadeAt(now);
    const demandFor = (shard: string): number => this.#demand.of(region, shard, fade)?.longTerm ?? 0;
    return this.#map.deltaSince(version, now, fade, region, demandFor);
  }

  /** What partitions should fetch that they cannot know of by themselves; remembered, and not repeated. */
  planScan(now: number, partitions: readonly ScannedPartition[], targetOf: TargetOf): PartitionPlan[] {
    return this.#planner.plan(now, partitions, {
      expectations: this.#expectations(now),
      types: this.#types,
      demand: this.#demand,
      fade: this.#scales.fadeAt(now),
      observed: Math.max(0, now - this.#first),
      targetOf,
      workingSets: this.#has("working sets"),
    });
  }

  /** Plans that were not sent: the next scan may plan the same again. */
  unplan(plans: readonly PartitionPlan[]): void {
    this.#planner.unplan(plans);
  }

  /** A region's shards by demand, the most wanted first. O(shards log shards). */
  demand(region: string, now: number): readonly ShardDemand[] {
    return this.#demand.ranked(region, this.#scales.fadeAt(now));
  }

  /** How reads went in each region. */
  outcomes(now: number): readonly RegionReadStats[] {
    return this.#outcomes.regions(this.#scales.fadeAt(now));
  }

  /** How good partitions' predictions were, by tenths of probability. */
  calibration(now: number): readonly CalibrationBin[] {
    return this.#outcomes.calibration(this.#scales.fadeAt(now));
  }

  /** Everything learned, exactly, as long as it fits; else without the rarest rows. O(size). */
  toState(): ModelState {
    const writer = new ByteWriter();
    writer.float(this.#first);
    for (const part of this.#stored) part.write(writer, this.#bounds.stateBytes);
    return { format: 3, data: writer.toText() };
  }

  /** @throws RangeError, TypeError or a DOMException when the state is damaged. */
  static fromState(
    state: ModelState,
    bounds: Partial<ModelBounds> = {},
    without: readonly ModelPart[] = [],
  ): SharedModel {
    const reader = new ByteReader(state.data);
    const model = new SharedModel(bounds, without);
    model.#first = reader.float();
    for (const part of model.#stored) part.read(reader);
    return model;
  }

  #expectations(now: number): readonly Expectation[] {
    const rates = this.rates(now);
    return [
      ...(this.#has("usual hours") ? inTheUsualHour(rates, now) : []),
      ...(this.#has("surges") ? announcedSurges(rates, this.surges(now), now) : []),
    ];
  }

  #mergeRates(region: string, { names, rates }: ReportBody, at: Moment): void {
    const newest = Math.floor(at.time / TICK);
    for (const [index, tick, count] of rates) {
      const key = names[index] ?? "";
      if (tableOf(key) !== TYPES) continue;
      // A tick after its own report cannot be.
      this.#rates.add(region, key.slice(2), Math.min(tick, newest), count, at);
      this.#see(TYPES, key, count, at);
    }
  }

  #mergeEdges({ names, seen, edges }: ReportBody, at: Moment): void {
    const kinds = names.map(tableOf);
    /** Rows of names, so that each is looked up once; checked, since a row may change hands meanwhile. */
    const rows = new Int32Array(names.length).fill(-1);
    for (const [index, count] of seen) {
      const kind = kinds[index] ?? -1;
      if (kind >= 0 && kind !== TYPES) rows[index] = this.#see(kind, names[index] as string, count, at);
    }
    for (const [fromIndex, toIndex, count, logDelay] of edges) {
      const [from, to] = [names[fromIndex] ?? "", names[toIndex] ?? ""];
      const kind = kinds[fromIndex] ?? -1;
      const table = this.#tables[kind];
      if (table === undefined || !mayFollow(kind, kinds[toIndex] ?? -1)) continue;
      let row = rows[fromIndex] as number;
      if (row < 0 || table.rows.keyOf(row) !== from) row = rows[fromIndex] = this.#see(kind, from, 0, at);
      table.link(row, to, count, logDelay, at);
    }
  }

  /** Counts a key of the table of this index, and returns its row. */
  #see(kind: number, key: string, count: number, at: Moment): number {
    const row = this.#tables[kind]?.see(key, count, at) ?? -1;
    this.#map.touch(kind, row);
    return row;
  }

  #has(part: ModelPart): boolean {
    return !this.#without.has(part);
  }

  /** What is stored, in the order it is: shards last, of whose rows some may not fit. */
  get #stored() {
    return [this.#scales, this.#rates, this.#outcomes, this.#demand, ...this.#tables.toReversed()];
  }
}

const SHARDS = 0;
const TYPES = 1;
const KINDS = ["s:", "e:", "p:"];

/** Index of the table that a key is in; −1 when it is no key, or too long a one. O(1). */
const tableOf = (key: string): number =>
  key.length > MAX_KEY_LENGTH ? -1 : KINDS.findIndex((kind) => key.startsWith(kind));

/** Shards follow everything, event types follow event types. */
const mayFollow = (from: number, to: number): boolean => to === SHARDS || (to === TYPES && from === TYPES);
