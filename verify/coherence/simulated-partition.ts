import { HeartbeatClient } from "../../durable-objects/partition/heartbeat-client.ts";
import { MemoryTier } from "../../durable-objects/partition/memory-tier.ts";
import { Reader } from "../../durable-objects/partition/reader.ts";
import { SingleFlight } from "../../durable-objects/partition/single-flight.ts";
import { newStats } from "../../durable-objects/partition/stats.ts";
import { WriteBehind } from "../../durable-objects/partition/write-behind.ts";
import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import { S3Fifo } from "../../simulator/policies/s3fifo.ts";
import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import type { HeartbeatAnswer } from "../../src/contract/rpc.ts";
import type { Change } from "../../src/core/coherence/change.ts";
import { Lease, type LeaseState } from "../../src/core/coherence/lease.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { epochMillis } from "../../src/core/units.ts";
import type { Bounds } from "./checker.ts";
import { InstanceLifetime } from "./instance-lifetime.ts";
import { type DiskRows, MemoryDisk } from "./memory-disk.ts";
import { EndlessLease, type Mutation, UnfencedFills } from "./mutation.ts";
import type { Prng } from "./prng.ts";
import type { StorageLink } from "./reference-store.ts";

/** As the partition's own. */
const HEARTBEAT_EVERY = 10_000;
const HOUSEKEEPING_AFTER = 5_000;
/** Small enough for evictions, large enough for hits. */
const MEMORY_BYTES = 24_000;
export const CACHEABLE_BYTES = 16_000;
/** Usual time until the lease that was put away is on disk, ms: a crash before loses it. */
const UNCONFIRMED_FOR = 20;

/** What a partition is given. */
export interface PartitionWorld {
  readonly address: PartitionAddress;
  readonly time: VirtualTime;
  readonly dice: Prng;
  readonly store: StorageLink;
  readonly bounds: Bounds;
  readonly sabotage: Mutation | undefined;
  readonly sendHeartbeat: (sinceLast: number | undefined) => Promise<HeartbeatAnswer>;
}

/** What a partition has in memory. */
interface Mind {
  readonly life: InstanceLifetime;
  readonly memory: MemoryTier;
  readonly fills: SingleFlight;
  readonly reader: Reader;
  readonly heart: HeartbeatClient;
  readonly writeBehind: WriteBehind;
  housekeepingSet: boolean;
}

/** A partition put together from its real parts as `durable-objects/partition.ts` does; disk and lease survive its memory. */
export class SimulatedPartition {
  readonly #world: PartitionWorld;
  readonly #rows: DiskRows = new Map();
  #lease: LeaseState | undefined;
  #mind: Mind;

  constructor(world: PartitionWorld) {
    this.#world = world;
    this.#mind = this.#wake();
  }

  get address(): PartitionAddress {
    return this.#world.address;
  }

  /** What answers now: a caller keeps it until its answer is there. */
  get life(): InstanceLifetime {
    return this.#mind.life;
  }

  async read(read: ReadRequest): Promise<Response> {
    const mind = this.#mind;
    mind.heart.ensureLease();
    const { response } = await mind.reader.read(read);
    mind.writeBehind.note(read.id);
    this.#afterActivity(mind);
    return response;
  }

  invalidate(changes: readonly Change[]): void {
    const { reader, heart } = this.#mind;
    if (this.#world.sabotage !== "invalidation") for (const change of changes) reader.invalidate(change);
    heart.ensureLease();
  }

  /** Fetches a shard ahead, if it is neither here nor on its way. */
  async prefetch(shard: string): Promise<void> {
    const { memory, fills } = this.#mind;
    if (memory.peek(shard) !== undefined || fills.isInFlight(shard)) return;
    const expires = epochMillis(this.#mind.life.now() + 60_000);
    await fills.fetch(shard, { kind: "prefetch", expires }).result;
  }

  /** Memory goes; the next call finds a new machine with what is on disk. */
  loseMemory(): void {
    this.#mind.life.end();
    this.#mind.memory.clear();
    this.#mind = this.#wake();
  }

  #afterActivity(mind: Mind): void {
    mind.heart.sendAfter(HEARTBEAT_EVERY);
    if (mind.housekeepingSet) return;
    mind.housekeepingSet = true;
    void this.#world.time.sleep(HOUSEKEEPING_AFTER).then(() => {
      mind.housekeepingSet = false;
      if (!mind.life.isOver) return mind.writeBehind.flush();
    });
  }

  #wake(): Mind {
    const { time, dice, store, bounds, sendHeartbeat, sabotage } = this.#world;
    const life = new InstanceLifetime(time, dice.fork());
    const { now } = life;
    const memory = new MemoryTier((capacity) => new S3Fifo(capacity), MEMORY_BYTES);
    const disk = new MemoryDisk(this.#rows, life, time, dice.fork());
    const lease = this.#loadLease();
    const fills = new (sabotage === "fence" ? UnfencedFills : SingleFlight)({
      store,
      memory,
      lease,
      cacheableBytes: () => CACHEABLE_BYTES,
      now,
    });
    const reader = new Reader({
      store,
      memory,
      disk,
      fills,
      lease,
      leaseSettled: () => heart.settled(),
      onWait: () => undefined,
      stats: newStats(),
      now,
      freshnessMillis: () => bounds.freshness,
      staleIfErrorMillis: () => bounds.staleIfError,
    });
    const heart = new HeartbeatClient({
      lease,
      now,
      sleep: (millis) => time.sleep(millis),
      send: sendHeartbeat,
      invalidate: (change) => reader.invalidate(change),
      apply: () => this.#putLease(lease.toState(), life),
      onFault: () => undefined,
    });
    return {
      life,
      memory,
      fills,
      reader,
      heart,
      writeBehind: new WriteBehind(memory, disk),
      housekeepingSet: false,
    };
  }

  #loadLease(): Lease {
    if (this.#world.sabotage === "lease") return new EndlessLease();
    return this.#lease === undefined ? new Lease() : Lease.fromState(this.#lease);
  }

  #putLease(state: LeaseState, life: InstanceLifetime): void {
    const { time, dice } = this.#world;
    void time.sleep(dice.around(UNCONFIRMED_FOR)).then(() => {
      if (!life.isOver) this.#lease = state;
    });
  }
}
