import { MAX_KEY_LENGTH, typeKey, typeOfKey } from "../keys.ts";
import type { MapDelta } from "../map-delta.ts";
import { type ReportBody, TICK } from "../reporting/report.ts";
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import { type Correlation, CorrelationMatrix } from "./correlation-matrix.ts";
import { type Moment, type Rescalable, TimeScales } from "./decay.ts";
import type { ShardDemand } from "./demand.ts";
import { EdgeTable, type Successor } from "./edge-table.ts";
import { type EventRate, EventRates } from "./event-rates.ts";
import { type CalibrationBin, Outcomes, type RegionReadStats } from "./outcomes.ts";
import { type PatternChange, ProbabilityRows } from "./probability-map.ts";
import { RegionDemands } from "./region-demands.ts";
import { type PartitionPlan, type ScannedPartition, ScanPlanner } from "./scan-plan.ts";

/** Bounds of the model; some 25 MB in memory when all are reached. */
export interface ModelBounds {
  /** Shards whose successors are known. */
  readonly shardRows: number;
  readonly shardWidth: number;
  /** Event types: callers name them, some dozens usually. */
  readonly typeRows: number;
  readonly typeWidth: number;
  /** Pairs of event types. */
  readonly pairs: number;
  /** Shards whose demand is known, a region. */
  readonly demand: number;
  /** Of the stored state before its text encoding, which adds a third: 4 MB with it. The rarest rows are left out. */
  readonly stateBytes: number;
}

const DEFAULT_BOUNDS: ModelBounds = {
  shardRows: 8_192,
  shardWidth: 8,
  typeRows: 256,
  typeWidth: 48,
  pairs: 2_048,
  demand: 2_048,
  stateBytes: 3_000_000,
};

/** One line of the prefetch probability map. */
interface MapEntry {
  readonly probability: number;
  readonly targetPartition: string;
  /** Median delay, ms. */
  readonly expectedDelay: number;
}
/** `{event type: {shard: entry}}`. */
export type ProbabilityMap = Record<string, Record<string, MapEntry>>;

/** The model as it is stored: plain, and opaque but for its format. */
export interface ModelState {
  readonly format: 2;
  readonly data: string;
}

/**
 * What the coordinator merged from all partitions' reports: what follows what, how event types go and correlate, what
 * each region wants and when. All counts decay and merge by addition, so the order of reports does not matter; all is
 * bounded. Reads no clock: `now` must not go back by more than a moment, and report times beyond it are the caller's to
 * clamp.
 */
export class LongTermModel {
  readonly #bounds: ModelBounds;
  readonly #scales: TimeScales;
  readonly #shards: EdgeTable;
  readonly #types: EdgeTable;
  readonly #rates: EventRates;
  readonly #matrix: CorrelationMatrix;
  readonly #demand: RegionDemands;
  readonly #outcomes = new Outcomes();
  readonly #planner = new ScanPlanner();
  readonly #map: ProbabilityRows;
  /** All that decays. */
  readonly #counts: readonly Rescalable[];
  #first = Number.POSITIVE_INFINITY;

  constructor(bounds: Partial<ModelBounds> = {}, scales = new TimeScales()) {
    this.#bounds = { ...DEFAULT_BOUNDS, ...bounds };
    const { shardRows, shardWidth, typeRows, typeWidth, pairs, demand } = this.#bounds;
    const forget = (key: string): void => this.#map.forget(key);
    this.#scales = scales;
    this.#shards = new EdgeTable(shardRows, shardWidth, forget);
    this.#types = new EdgeTable(typeRows, typeWidth, forget);
    this.#rates = new EventRates(typeRows);
    this.#matrix = new CorrelationMatrix(pairs);
    this.#demand = new RegionDemands(demand);
    this.#map = new ProbabilityRows({
      tables: [this.#shards, this.#types],
      rateChanged: (type, now) => this.#rates.changed(type, now),
    });
    this.#counts = [this.#shards, this.#types, this.#rates, this.#matrix, this.#outcomes, this.#demand];
  }

  /** Adds one report's deltas; `time` is when the report was made. O(entries). */
  merge(region: string, body: ReportBody, time: number): void {
    const at = this.#scales.at(time, this.#counts);
    this.#first = Math.min(this.#first, time);
    this.#mergeRates(body, at);
    this.#mergeEdges(body, at);
    this.#mergePairs(body, at);
    this.#demand.add(region, body, at);
    this.#outcomes.add(region, body, at);
  }

  /** The correlation matrix, the strongest first. O(pairs). */
  correlations(now: number): readonly Correlation[] {
    const fade = this.#scales.fadeAt(now);
    return this.#matrix.correlations(
      fade,
      (type) => this.#types.seen(typeKey(type), fade),
      this.#types.occurrences(fade),
      (type, next) => this.#rates.correlation(type, next, now),
    );
  }

  /** Rates of the event types, the most frequent first. O(types). */
  rates(now: number): readonly EventRate[] {
    return this.#rates.rates(now, this.#scales.fadeAt(now));
  }

  /**
   * The prefetch probability map. The target is the partition whose region wants the shard most; `targetOf` names it.
   * O(rows touched since it was last asked for).
   */
  probabilityMap(now: number, targetOf: (region: string) => string): ProbabilityMap {
    const fade = this.#refresh(now);
    const map: ProbabilityMap = {};
    for (const [type, next] of this.#map.types()) {
      const row: Record<string, MapEntry> = {};
      for (const { to, probability, delay } of next) {
        const shard = to.slice(2);
        const targetPartition = targetOf(this.#demand.busiest(shard, fade));
        row[shard] = { probability, targetPartition, expectedDelay: delay };
      }
      map[type] = row;
    }
    return map;
  }

  /** What follows a key, gates aside, as of now; the likeliest first. For explanations. O(width). */
  successors(key: string, now: number): readonly Successor[] {
    const type = typeOfKey(key);
    const table = type === null ? this.#shards : this.#types;
    const row = table.rows.find(key);
    if (row < 0) return [];
    return table.read(row, this.#scales.fadeAt(now), type !== null && this.#rates.changed(type, now)).next;
  }

  /** What changed materially in the map since `version`; null when nothing did. O(rows touched), memoised. */
  deltaSince(version: number, now: number): MapDelta | null {
    // Rows are touched by the thousand between two versions, mostly the same ones: each is read once.
    if (this.#map.isDue(now)) this.#refresh(now);
    return this.#map.deltaSince(version, now);
  }

  /** Patterns that have changed significantly and not yet become usual, those noticed at or after `since`. */
  changes(now: number, since = Number.NEGATIVE_INFINITY): readonly PatternChange[] {
    this.#refresh(now);
    return this.#map.changes().filter((change) => change.since >= since);
  }

  /** What partitions should fetch that they cannot know of by themselves; remembered, and not repeated. */
  planScan(now: number, partitions: readonly ScannedPartition[]): readonly PartitionPlan[] {
    return this.#planner.plan(now, partitions, {
      demand: this.#demand.regions,
      fade: this.#scales.fadeAt(now),
      observed: Math.max(0, now - this.#first),
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
    const { landmarks } = this.#scales;
    writer.count(landmarks.length);
    for (const landmark of landmarks) writer.float(landmark);
    writer.float(this.#first);
    for (const part of this.#stored) part.write(writer);
    for (const table of [this.#types, this.#shards]) this.#writeRows(writer, table);
    return { format: 2, data: writer.toText() };
  }

  /** @throws RangeError, TypeError or a DOMException when the state is damaged. */
  static fromState(state: ModelState, bounds: Partial<ModelBounds> = {}): LongTermModel {
    const reader = new ByteReader(state.data);
    const landmarks = Array.from({ length: reader.count() }, () => reader.float());
    const model = new LongTermModel(bounds, TimeScales.fromLandmarks(landmarks));
    model.#read(reader);
    return model;
  }

  #read(reader: ByteReader): void {
    this.#first = reader.float();
    for (const part of this.#stored) part.read(reader);
    for (const table of [this.#types, this.#shards]) {
      table.readTotals(reader);
      while (reader.count() === 1) table.readRow(reader);
    }
  }

  /** The most frequent rows first, as many as there is room for. */
  #writeRows(writer: ByteWriter, table: EdgeTable): void {
    table.writeTotals(writer);
    for (const row of table.rows.ranked()) {
      if (writer.length >= this.#bounds.stateBytes) break;
      writer.count(1);
      table.writeRow(writer, row);
    }
    writer.count(0);
  }

  #mergeRates({ names, rates }: ReportBody, at: Moment): void {
    const newest = Math.floor(at.time / TICK);
    for (const [index, tick, count] of rates) {
      const key = names[index];
      const type = key === undefined || key.length > MAX_KEY_LENGTH ? null : typeOfKey(key);
      if (key === undefined || type === null) continue;
      // A tick after its own report cannot be.
      this.#rates.add(type, Math.min(tick, newest), count, at);
      this.#map.touch(1, this.#types.see(key, count, at));
    }
  }

  #mergeEdges({ names, seen, edges }: ReportBody, at: Moment): void {
    /** Rows of names, so that each is looked up once; checked, since a row may change hands meanwhile. */
    const rows = new Int32Array(names.length).fill(-1);
    for (const [index, count] of seen) {
      const key = names[index];
      if (!isShardKey(key)) continue;
      const row = this.#shards.see(key, count, at);
      rows[index] = row;
      this.#map.touch(0, row);
    }
    for (const [fromIndex, toIndex, delays] of edges) {
      const from = names[fromIndex];
      const to = names[toIndex];
      if (from === undefined || from.length > MAX_KEY_LENGTH || !isShardKey(to)) continue;
      const index = from.startsWith("s:") ? 0 : 1;
      const table = index === 0 ? this.#shards : this.#types;
      let row = rows[fromIndex] as number;
      if (row < 0 || table.rows.keyOf(row) !== from) {
        row = table.rows.find(from);
        if (row < 0) row = table.see(from, 0, at);
        rows[fromIndex] = row;
        this.#map.touch(index, row);
      }
      table.link(row, to, delays, at);
    }
  }

  #mergePairs({ names, pairs }: ReportBody, at: Moment): void {
    for (const [typeIndex, nextIndex, weight] of pairs) {
      const type = typeOfKey(names[typeIndex] ?? "");
      const next = typeOfKey(names[nextIndex] ?? "");
      if (type !== null && next !== null) this.#matrix.add(type, next, weight, at);
    }
  }

  #refresh(now: number): Moment {
    const fade = this.#scales.fadeAt(now);
    this.#map.refresh(now, fade);
    return fade;
  }

  /** What is stored, in the order it is, but for the tables. */
  get #stored() {
    return [this.#map, this.#rates, this.#matrix, this.#outcomes, this.#planner, this.#demand];
  }
}

const isShardKey = (key: string | undefined): key is string =>
  key !== undefined && key.length <= MAX_KEY_LENGTH && key.startsWith("s:");
