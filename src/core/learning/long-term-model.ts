import { CorrelationMatrix, type MatrixState } from "./correlation-matrix.ts";
import { add, type DecayedCount, newCount, valuesAt } from "./decayed-count.ts";
import { typeOfKey } from "./keys.ts";
import type { MapSlice } from "./predictor.ts";
import type { ReportBody } from "./report-builder.ts";
import { Successors, type SuccessorsState } from "./successors.ts";

/** Rows of the merged successor table: some 4 MB as a stored blob. */
const MAX_ROWS = 10_000;
/** Shards whose demand is remembered, a region. */
const MAX_DEMAND = 5_000;
/** The map's own threshold: less is not worth sending to anyone. */
const LEAST_PROBABILITY = 0.05;
/** Keys in one slice: with eight successors each it stays near 64 KB. */
const SLICE_KEYS = 150;
const SLICE_WIDTH = 4;

/** One line of the prefetch probability map. */
export interface MapEntry {
  readonly probability: number;
  readonly targetPartition: string;
  readonly expectedDelay: number;
}
/** `{event type: {shard: entry}}`. */
export type ProbabilityMap = Record<string, Record<string, MapEntry>>;

export interface RegionDemand {
  readonly shard: string;
  readonly requests: number;
}

export interface ModelState {
  readonly successors: SuccessorsState;
  readonly matrix: MatrixState;
  readonly demand: readonly (readonly [region: string, (readonly [string, number, number, number])[]])[];
}

/** What the coordinator merged from all partitions' reports. */
export class LongTermModel {
  #successors = new Successors(MAX_ROWS);
  #matrix = new CorrelationMatrix();
  readonly #demand = new Map<string, Map<string, DecayedCount>>();

  /** Adds one report's deltas; the order of reports does not matter. O(entries). */
  merge(region: string, body: ReportBody, time: number): void {
    for (const [key, count] of body.seen) this.#successors.see(key, count, time);
    for (const [from, to, count, delay] of body.edges) this.#successors.link(from, to, count, delay, time);
    for (const [type, next, count] of body.pairs) this.#matrix.observe(type, next, count, time);
    for (const [shard, requests] of body.demand) this.#addDemand(region, shard, requests, time);
  }

  correlations(time: number) {
    return this.#matrix.correlations(time);
  }

  /**
   * The prefetch probability map. The target is the partition whose region asks for the shard most; `targetOf`
   * names it.
   */
  probabilityMap(time: number, targetOf: (region: string) => string): ProbabilityMap {
    const map: ProbabilityMap = {};
    for (const key of this.#successors.keys()) {
      const type = typeOfKey(key);
      if (type === null) continue;
      const row: Record<string, MapEntry> = {};
      for (const { to, probability, delay } of this.#successors.after(key, time))
        if (probability >= LEAST_PROBABILITY)
          row[to] = {
            probability,
            targetPartition: targetOf(this.#busiestRegion(to, time)),
            expectedDelay: delay,
          };
      if (Object.keys(row).length > 0) map[type] = row;
    }
    return map;
  }

  /** What every partition should know: the best successors of the keys touched last. */
  slice(time: number): MapSlice {
    const keys = [...this.#successors.keys()].slice(-SLICE_KEYS);
    return keys.flatMap((key) => {
      const next = this.#successors
        .after(key, time)
        .filter(({ probability }) => probability >= LEAST_PROBABILITY)
        .slice(0, SLICE_WIDTH)
        .map(({ to, probability, delay }) => [to, probability, delay] as const);
      return next.length === 0 ? [] : [[key, next] as const];
    });
  }

  /** A region's shards by demand, the most wanted first. */
  demand(region: string, time: number): readonly RegionDemand[] {
    return [...(this.#demand.get(region) ?? [])]
      .map(([shard, count]) => ({ shard, requests: valuesAt(count, time).short }))
      .sort((a, b) => b.requests - a.requests);
  }

  regions(): readonly string[] {
    return [...this.#demand.keys()];
  }

  toState(): ModelState {
    return {
      successors: this.#successors.toState(),
      matrix: this.#matrix.toState(),
      demand: [...this.#demand].map(([region, shards]) => [
        region,
        [...shards].map(([shard, { short, long, at }]) => [shard, short, long, at] as const),
      ]),
    };
  }

  static fromState(state: ModelState): LongTermModel {
    const model = new LongTermModel();
    model.#successors = Successors.fromState(state.successors, MAX_ROWS);
    model.#matrix = CorrelationMatrix.fromState(state.matrix);
    for (const [region, shards] of state.demand)
      model.#demand.set(
        region,
        new Map(shards.map(([shard, short, long, at]) => [shard, { short, long, at }])),
      );
    return model;
  }

  #addDemand(region: string, shard: string, requests: number, time: number): void {
    const shards = this.#demand.get(region) ?? new Map<string, DecayedCount>();
    this.#demand.set(region, shards);
    const count = shards.get(shard) ?? newCount(time);
    shards.delete(shard);
    shards.set(shard, count);
    add(count, requests, time);
    if (shards.size > MAX_DEMAND) {
      const [oldest] = shards.keys();
      if (oldest !== undefined) shards.delete(oldest);
    }
  }

  #busiestRegion(shard: string, time: number): string {
    let busiest = "";
    let most = -1;
    for (const [region, shards] of this.#demand) {
      const count = shards.get(shard);
      const requests = count === undefined ? 0 : valuesAt(count, time).long;
      if (requests > most) [busiest, most] = [region, requests];
    }
    return busiest;
  }
}
