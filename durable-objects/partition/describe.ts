import type { Explanation, PartitionStatus } from "../../src/contract/rpc.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import type { PartitionParts } from "./create-partition.ts";
import type { DiskTier } from "./disk-tier.ts";
import { countsNow } from "./stats.ts";
import { type Tallies, talliesNow } from "./tallies.ts";

/** What a partition tells of itself is made of. */
export interface Described {
  readonly address: PartitionAddress;
  readonly parts: PartitionParts;
  readonly disk: DiskTier;
  /** What the instances before this one counted. */
  readonly before: Tallies;
  readonly settingsVersion: number;
  readonly mapVersion: number;
  /** ms since the epoch. */
  readonly now: number;
}

/** A partition's numbers: what is now, and what was counted since it began or was told to forget. */
export function statusOf({ address, parts, disk, before, now, ...versions }: Described): PartitionStatus {
  const { memory, events, prefetcher, reporting, arm, stats } = parts;
  const tallies = talliesNow(before, parts, disk);
  return {
    partition: address.name,
    region: address.region,
    incarnation: reporting.incarnation,
    settingsVersion: versions.settingsVersion,
    mapVersion: versions.mapVersion,
    memory: { bytes: memory.used, capacity: memory.capacity, shards: memory.count },
    disk: { bytes: disk.used, shards: disk.count, corrupt: tallies.corrupt },
    counts: countsNow(stats, arm),
    reportsSent: tallies.reportsSent,
    eventQueue: { waiting: events.waiting, dropped: tallies.eventsDropped },
    prefetchQueue: {
      waiting: prefetcher.waiting,
      inFlight: prefetcher.active,
      evictedUnused: tallies.evictedUnused,
      expired: tallies.expired,
      refused: tallies.refused,
    },
    pausedUntil: arm.pausedUntil(now),
  };
}

/** Why a shard is here, or is not. */
export function explanationOf(shard: string, { address, parts, disk }: Described): Explanation {
  const { memory, fills, prefetcher, engine } = parts;
  const copy = memory.peek(shard);
  return {
    partition: address.name,
    shard,
    memory:
      copy === undefined
        ? null
        : {
            bytes: copy.meta.size,
            etag: copy.meta.etag,
            validatedAt: copy.validatedAt,
            uses: copy.uses,
            prefetched: copy.prefetched,
          },
    disk: disk.has(shard),
    inFlight: fills.isInFlight(shard),
    waiting: prefetcher.list().some((prefetch) => prefetch.shard === shard),
    decision: engine.decisionOn(shard) ?? null,
    engine: engine.explain(shard),
  };
}
