import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import { type Clock, sleep } from "../../src/core/clock.ts";
import { hash32 } from "../../src/core/hash.ts";
import type { Region } from "../../src/core/placement/regions.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import type { Trace } from "../trace.ts";
import { World, type WorldOptions } from "./world.ts";

/** Every object takes as much: the caches are counted in objects, as in the policies' comparison. */
const OBJECT_BYTES = 1_024;
/** What the storage takes to answer, ms. */
const STORAGE_TAKES = 30;
/** Long enough that no copy has to be checked: this is about prefetching, not about freshness. */
const NEVER_STALE = 86_400;

/** How a trace is replayed. */
export interface ReplayOptions extends Pick<WorldOptions, "deltas" | "reasons" | "memoryLostEvery"> {
  readonly regions: readonly Region[];
  /** Objects each partition's memory holds. */
  readonly capacity: number;
  readonly prefetch: boolean;
  /** Time between two rounds of placement, ms; none when absent. */
  readonly rebalanceEvery?: number;
}

/** What came of a replay. */
export interface ReplayResult {
  readonly requests: number;
  /** Reads that waited for the storage; asking whether a copy is current is not one, prefetched or not. */
  readonly misses: number;
  readonly prefetches: number;
  readonly prefetchesUsed: number;
}

/** Misses a request, and `cost` for every prefetch. */
export const billOf = ({ requests, misses, prefetches }: ReplayResult, cost = 0.1): number =>
  (misses + cost * prefetches) / Math.max(1, requests);

/** The region that a client of the trace is of: always the same, the clients spread evenly. */
export const regionOfClient = (client: string, regions: readonly Region[]): Region =>
  regions[hash32(client) % regions.length] ?? "weur";

/** Replays a trace through the production nodes, in virtual time. */
export async function replayTrace(trace: Trace, options: ReplayOptions): Promise<ReplayResult> {
  const { regions, capacity, deltas, reasons, memoryLostEvery, prefetch } = options;
  const stored = new MemoryShardStore(() => 0);
  for (const object of trace.objects) await stored.put(idOf(object), new Uint8Array(OBJECT_BYTES));
  const world = new World({
    regions,
    store: (clock) => slow(stored, clock),
    settings: {
      memoryBytes: capacity * OBJECT_BYTES,
      diskBytes: 0,
      freshnessSeconds: NEVER_STALE,
      prefetchMode: prefetch ? "automatic" : "off",
    },
    deltas,
    reasons,
    ...(memoryLostEvery !== undefined && { memoryLostEvery }),
  });
  const result = { requests: 0, misses: 0, left: trace.length };
  const play = async (): Promise<void> => {
    await world.begin();
    const begun = world.time.now;
    for (let row = 0; row < trace.length; row++) {
      const due = begun + trace.time(row) - trace.time(0) + spread(trace, row);
      if (due > world.time.now) await world.time.sleep(due - world.time.now);
      const region = regionOfClient(trace.client(row), regions);
      void world.read(region, requestOf(trace, row, region)).then((status) => {
        result.requests++;
        result.left--;
        if (status.includes("fwd=uri-miss")) result.misses++;
      });
    }
  };
  const { rebalanceEvery } = options;
  if (rebalanceEvery !== undefined) {
    const round = (): void => {
      void world.rebalance();
      world.time.after(rebalanceEvery, round);
    };
    world.time.after(rebalanceEvery, round);
  }
  void play();
  await world.time.run(() => result.left === 0);
  const { prefetchesIssued: prefetches, prefetchesUsed } = world.counts();
  return { requests: result.requests, misses: result.misses, prefetches, prefetchesUsed };
}

/** Requests of one moment of a coarse clock follow one another within a second. */
function spread(trace: Trace, row: number): number {
  let first = row;
  while (first > 0 && trace.time(first - 1) === trace.time(row)) first--;
  let last = row;
  while (last + 1 < trace.length && trace.time(last + 1) === trace.time(row)) last++;
  return (1_000 * (row - first)) / (last - first + 1);
}

const requestOf = (trace: Trace, row: number, region: Region): ReadRequest => ({
  id: idOf(trace.object(row)),
  method: "GET",
  user: trace.client(row),
  eventType: trace.eventType(row) === "" ? "read" : trace.eventType(row),
  region,
  bypass: false,
  conditions: {},
});

/** Objects as shard ids: no empty segments. */
const idOf = (object: string): string =>
  object.replace(/^\/+|\/+$/g, "").replaceAll(/\/{2,}/g, "/") || "index";

function slow(store: ShardStore, clock: Clock): ShardStore {
  const later = async <T>(work: () => Promise<T>): Promise<T> => {
    await sleep(clock, STORAGE_TAKES);
    return work();
  };
  return {
    get: (id, range) => later(() => store.get(id, range)),
    getUnless: (id, etag) => later(() => store.getUnless(id, etag)),
    head: (id) => later(() => store.head(id)),
    put: (id, body, options) => store.put(id, body, options),
    delete: (id) => store.delete(id),
    list: (options) => store.list(options),
  };
}
