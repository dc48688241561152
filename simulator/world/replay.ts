import type { Settings } from "../../src/contract/settings.ts";
import { type Clock, sleep } from "../../src/core/clock.ts";
import { hash32 } from "../../src/core/hash.ts";
import type { Region } from "../../src/core/placement/regions.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import type { Trace } from "../trace.ts";
import { World, type WorldOptions } from "./world.ts";

/** A read that is to be made: `at` in ms from the first. */
export interface TimedRead {
  readonly at: number;
  readonly region: Region;
  readonly id: string;
  readonly user: string;
  readonly eventType: string;
}

/** How reads are replayed. Times in ms. */
export interface ReplayOptions
  extends Pick<WorldOptions, "regions" | "slots" | "deltas" | "reasons" | "memoryLostEvery" | "without"> {
  readonly settings: Partial<Settings>;
  /** What the storage takes to answer. */
  readonly storageTakes: number;
}

/** What came of a replay. */
export interface ReplayResult {
  /** The `Cache-Status` of each read, in their order. */
  readonly statuses: readonly string[];
  readonly requests: number;
  /** Reads that waited for the storage; asking whether a copy is current is not one, prefetched or not. */
  readonly misses: number;
  readonly prefetches: number;
  readonly prefetchesUsed: number;
  /** Reads by partition. */
  readonly load: ReadonlyMap<string, number>;
}

/** Misses a request, and `cost` for every prefetch. */
export const billOf = ({ requests, misses, prefetches }: ReplayResult, cost = 0.1): number =>
  (misses + cost * prefetches) / Math.max(1, requests);

/** Plays reads through the production nodes, in virtual time. @param shards the bytes of each. */
export async function replay(
  reads: readonly TimedRead[],
  shards: ReadonlyMap<string, number>,
  { storageTakes, ...options }: ReplayOptions,
): Promise<ReplayResult> {
  const stored = new MemoryShardStore(() => 0);
  for (const [id, bytes] of shards) await stored.put(id, new Uint8Array(bytes));
  const world = new World({ ...options, store: (clock) => slow(stored, clock, storageTakes) });
  const statuses: string[] = [];
  let left = reads.length;
  const play = async (): Promise<void> => {
    await world.begin();
    const begun = world.time.now;
    for (const [index, { at, region, ...read }] of reads.entries()) {
      if (begun + at > world.time.now) await world.time.sleep(begun + at - world.time.now);
      void world
        .read(region, { ...read, region, method: "GET", bypass: false, conditions: {} })
        .then((status) => {
          statuses[index] = status;
          left--;
        });
    }
  };
  void play();
  await world.time.run(() => left === 0);
  const { prefetchesIssued: prefetches, prefetchesUsed } = world.counts();
  const misses = statuses.filter((status) => status.includes("fwd=uri-miss")).length;
  const load = new Map([...world.countsByPartition()].map(([name, counts]) => [name, counts.reads]));
  return { statuses, requests: reads.length, misses, prefetches, prefetchesUsed, load };
}

/** The region that a client of a trace is of: always the same, the clients spread evenly. */
const regionOfClient = (client: string, regions: readonly Region[]): Region =>
  regions[hash32(client) % regions.length] ?? "weur";

/** The reads of a trace, its clients spread over regions. Those of one tick of a coarse clock follow one another. */
export function readsOf(trace: Trace, regions: readonly Region[]): readonly TimedRead[] {
  const rows = Array.from({ length: trace.length }, (_, row) => row);
  const ticks = Map.groupBy(rows, (row) => trace.time(row));
  return [...ticks.values()].flatMap((tick) =>
    tick.map((row, index) => ({
      at: trace.time(row) - trace.time(0) + (1_000 * index) / tick.length,
      region: regionOfClient(trace.client(row), regions),
      id: shardIdOf(trace.object(row)),
      user: trace.client(row),
      eventType: trace.eventType(row) === "" ? "read" : trace.eventType(row),
    })),
  );
}

/** An object's name as a shard id: without empty segments. */
export const shardIdOf = (object: string): string =>
  object.replace(/^\/+|\/+$/g, "").replaceAll(/\/{2,}/g, "/") || "index";

function slow(store: ShardStore, clock: Clock, millis: number): ShardStore {
  const later = async <T>(work: () => Promise<T>): Promise<T> => {
    await sleep(clock, millis);
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
