import type { PrefetchMessage, Report } from "../../src/contract/messages.ts";
import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import type { Settings } from "../../src/contract/settings.ts";
import type { Lease } from "../../src/core/coherence/lease.ts";
import { Engine } from "../../src/core/engine/engine.ts";
import type { EngineSettings } from "../../src/core/engine/settings.ts";
import type { ShardEvent } from "../../src/core/event.ts";
import { ControlArm } from "../../src/core/experiment/control-arm.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { bytes, epochMillis, SECOND } from "../../src/core/units.ts";
import { countingReads } from "../../src/storage/counting-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import type { DiskTier } from "./disk-tier.ts";
import { EnginePolicy } from "./engine-policy.ts";
import { EventProcessor } from "./event-processor.ts";
import { MemoryTier } from "./memory-tier.ts";
import { Decisions } from "./prefetch-history.ts";
import { Prefetcher } from "./prefetcher.ts";
import { Reader } from "./reader.ts";
import { Reporting } from "./reporting.ts";
import { SingleFlight } from "./single-flight.ts";
import { newStats } from "./stats.ts";
import { WriteBehind } from "./write-behind.ts";

/** What the parts of a partition get from the object around them. */
export interface Surroundings {
  readonly address: PartitionAddress;
  readonly store: ShardStore;
  readonly disk: DiskTier;
  readonly lease: Lease;
  readonly leaseSettled: () => Promise<void>;
  readonly settings: () => Settings;
  readonly now: () => number;
  readonly send: {
    report(report: Report): Promise<unknown>;
    prefetch(message: PrefetchMessage, delaySeconds: number): Promise<unknown>;
  };
  /** Called when a batch of events has been learned from. */
  readonly afterwards: () => void;
}

export type PartitionParts = ReturnType<typeof assemble>;

/** Puts a partition's parts together, empty: nothing cached in memory, nothing learned, nothing counted. */
export function assemble({
  address,
  disk,
  lease,
  leaseSettled,
  settings,
  now,
  send,
  afterwards,
  ...outer
}: Surroundings) {
  const stats = newStats();
  const store = countingReads(outer.store, () => stats.storageReads++);
  const capacity = Math.max(1, settings().memoryBytes);
  const engine = new Engine(bytes(capacity), engineSettings(settings()));
  const memory = new MemoryTier(() => new EnginePolicy(engine), capacity);
  const fills = new SingleFlight({
    store,
    memory,
    lease,
    cacheableBytes: () => settings().cacheableBytes,
    now,
  });
  const arm = new ControlArm();
  const decisions = new Decisions();
  const reporting = new Reporting({ address, stats, send: send.report, now });
  const prefetcher = new Prefetcher({
    engine,
    arm,
    reporting,
    decisions,
    fills,
    memory,
    stats,
    settings,
    now,
  });
  engine.onOutcome((probability, label) => reporting.calibrate(probability, label === 1));
  const learner = new EventProcessor({
    address,
    engine,
    memory,
    prefetcher,
    reporting,
    arm,
    decisions,
    stats,
    settings,
    sendPrefetch: send.prefetch,
    now,
    afterwards,
  });
  const reader = new Reader({
    store,
    memory,
    disk,
    fills,
    lease,
    leaseSettled,
    stats,
    now,
    onWait: (read) => {
      if (read.method === "GET") learner.learnNow(eventOf(read, now()));
    },
    freshnessMillis: () => settings().freshnessSeconds * SECOND,
    staleIfErrorMillis: () => settings().staleIfErrorSeconds * SECOND,
  });
  return {
    stats,
    engine,
    arm,
    decisions,
    memory,
    fills,
    prefetcher,
    reporting,
    learner,
    reader,
    writeBehind: new WriteBehind(memory, disk),
  };
}

/** The event that a read is. */
export const eventOf = (read: ReadRequest, now: number): ShardEvent => ({
  type: read.eventType,
  shard: read.id,
  user: read.user,
  time: epochMillis(now),
  region: read.region,
  ...(read.dataType !== undefined && { dataType: read.dataType }),
});

/** The engine's settings from the operator's. */
export const engineSettings = (settings: Settings): Partial<EngineSettings> => ({
  mode: settings.prefetchMode === "threshold" ? "fixed" : settings.prefetchMode,
  cost: settings.prefetchCost,
  threshold: settings.prefetchThreshold,
});
