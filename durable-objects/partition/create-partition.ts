import type { PartitionEvent } from "../../src/contract/events.ts";
import type { PrefetchMessage, Report } from "../../src/contract/messages.ts";
import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import type { NeighbourMail } from "../../src/contract/rpc.ts";
import type { Settings } from "../../src/contract/settings.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Lease } from "../../src/core/coherence/lease.ts";
import { Engine } from "../../src/core/engine/engine.ts";
import type { EngineSettings } from "../../src/core/engine/settings.ts";
import type { ShardEvent } from "../../src/core/event.ts";
import { ControlArm } from "../../src/core/experiment/control-arm.ts";
import type { Topology } from "../../src/core/placement/topology.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { bytes, epochMillis, SECOND } from "../../src/core/units.ts";
import { countingReads } from "../../src/storage/counting-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { DiskLoader } from "./disk-loader.ts";
import type { DiskTier } from "./disk-tier.ts";
import { EventProcessor } from "./event-processor.ts";
import { KnownShards } from "./known-shards.ts";
import { MemoryTier } from "./memory-tier.ts";
import { Neighbours } from "./neighbours.ts";
import { Outbox } from "./outbox.ts";
import { Pins } from "./pins.ts";
import { Prefetcher } from "./prefetcher.ts";
import { Reader } from "./reader.ts";
import { Reporting } from "./reporting.ts";
import { SingleFlight } from "./single-flight.ts";
import { newStats } from "./stats.ts";
import { WriteBehind } from "./write-behind.ts";

/** What the parts of a partition get from the node around them. */
export interface CreatePartitionDeps {
  readonly address: PartitionAddress;
  readonly store: ShardStore;
  readonly disk: DiskTier;
  readonly lease: Lease;
  readonly leaseSettled: () => Promise<void>;
  readonly settings: () => Settings;
  /** Overrides of the engine's own settings, for simulations scaled down. */
  readonly engine: Partial<EngineSettings>;
  readonly clock: Clock;
  readonly sendReport: (report: Report) => Promise<unknown>;
  readonly sendPrefetch: (message: PrefetchMessage, delaySeconds: number) => Promise<unknown>;
  readonly topology: () => Topology;
  /** Brings mail to another partition of the region. */
  readonly deliver: (name: string, mail: NeighbourMail) => Promise<unknown>;
  /** Called when a batch of events has been learned from. */
  readonly afterwards: () => void;
}

export type PartitionParts = ReturnType<typeof createPartition>;

/** Puts a partition's parts together, empty: nothing cached in memory, nothing learned, nothing counted. */
export function createPartition(deps: CreatePartitionDeps) {
  const { address, clock, disk, lease, settings } = deps;
  const stats = newStats();
  const known = new KnownShards();
  const store = countingReads(deps.store, () => stats.storageReads++);
  const capacity = Math.max(1, settings().memoryBytes);
  const neighbours = new Neighbours(address, deps.topology);
  const engine = new Engine(
    bytes(capacity),
    { ...engineSettings(settings()), ...deps.engine },
    {
      isVain: (shard) => known.has(shard),
      isElsewhere: (shard) => neighbours.ownerOf(shard) !== null,
      isAtHand: (shard) => disk.has(shard),
    },
  );
  const outbox = new Outbox({ clock, deliver: deps.deliver, onFault: () => stats.faults++ });
  const memory = new MemoryTier(engine);
  const fills = new SingleFlight({
    store,
    memory,
    lease,
    known,
    cacheableBytes: () => settings().cacheableBytes,
    clock,
  });
  const arm = new ControlArm();
  const reporting = new Reporting({ address, stats, arm, send: deps.sendReport, clock });
  const loader = new DiskLoader({ disk, memory, clock });
  const prefetcher = new Prefetcher({
    engine,
    arm,
    fills,
    loader,
    mayServe: (copy) => reader.mayServe(copy),
    leaseSettled: deps.leaseSettled,
    memory,
    stats,
    settings,
    clock,
  });
  engine.onOutcome((probability, label) => reporting.calibrate(probability, label === 1));
  const events = new EventProcessor({
    neighbours,
    outbox,
    engine,
    memory,
    prefetcher,
    reporting,
    arm,
    stats,
    clock,
    sendPrefetch: deps.sendPrefetch,
    afterwards: deps.afterwards,
  });
  const reader: Reader = new Reader({
    store,
    memory,
    disk,
    loader,
    known,
    fills,
    lease,
    leaseSettled: deps.leaseSettled,
    stats,
    clock,
    onWait: (read) => {
      if (read.method === "GET") events.learnNow(eventOf(read, clock.now()));
    },
    freshnessMillis: () => settings().freshnessSeconds * SECOND,
    staleIfErrorMillis: () => settings().staleIfErrorSeconds * SECOND,
  });
  const writeBehind = new WriteBehind(memory, disk, lease);
  const pins = new Pins({ settings, memory, disk, prefetcher, writeBehind, clock });
  return { stats, engine, arm, memory, fills, prefetcher, reporting, events, reader, writeBehind, pins };
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

/** An event that is no read. */
export const toShardEvent = ({ time, dataType, shard, type, user, region }: PartitionEvent): ShardEvent => ({
  type,
  user,
  region,
  time: epochMillis(time),
  ...(shard !== undefined && { shard }),
  ...(dataType !== undefined && { dataType }),
});

/** The engine's settings from the operator's. */
export const engineSettings = (settings: Settings): Partial<EngineSettings> => ({
  mode: settings.prefetchMode === "threshold" ? "fixed" : settings.prefetchMode,
  cost: settings.prefetchCost,
  threshold: settings.prefetchThreshold,
});
