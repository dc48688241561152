import type { PartitionMind } from "../../src/contract/mind.ts";
import type { PartitionParts } from "./create-partition.ts";
import type { DiskTier } from "./disk-tier.ts";

/** What a partition counts for its status besides what it reports. */
export type Tallies = PartitionMind["tallies"];

export const noTallies = (): Tallies => ({
  reportsSent: 0,
  eventsDropped: 0,
  evictedUnused: 0,
  expired: 0,
  refused: 0,
  corrupt: 0,
});

/** What this instance counted, on top of what those before it did. */
export const talliesNow = (
  before: Tallies,
  { stats, events, memory, prefetcher }: PartitionParts,
  disk: DiskTier,
): Tallies => ({
  reportsSent: before.reportsSent + stats.reportsSent,
  eventsDropped: before.eventsDropped + events.dropped,
  evictedUnused: before.evictedUnused + memory.evictedUnused,
  expired: before.expired + prefetcher.expired,
  refused: before.refused + prefetcher.refused,
  corrupt: before.corrupt + disk.corrupt,
});
