import { CoordinatorNode } from "../../durable-objects/coordinator/coordinator-node.ts";
import type { QueuedPrefetch } from "../../durable-objects/coordinator/prefetch-sender.ts";
import { PartitionNode } from "../../durable-objects/partition/partition-node.ts";
import type { PartitionEvent } from "../../src/contract/events.ts";
import { buildReadRequest, type ReadRequest } from "../../src/contract/partition-protocol.ts";
import type { CoordinatorOverview, Explanation, Heartbeat, HeartbeatAnswer } from "../../src/contract/rpc.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src/contract/settings.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { ModelPart } from "../../src/core/correlation/shared-model.ts";
import type { EngineSettings } from "../../src/core/engine/settings.ts";
import type { MapDelta } from "../../src/core/map-delta.ts";
import type { Region } from "../../src/core/placement/regions.ts";
import type { Topology } from "../../src/core/placement/topology.ts";
import type { PrefetchReason } from "../../src/core/prefetch/prefetch.ts";
import { addCounts, countsBetween, noCounts, type ReadCounts } from "../../src/core/reporting/read-counts.ts";
import { homeOf, ownerOf, type PartitionAddress, partitionsOf } from "../../src/core/routing/route.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { sha256 } from "../platform/digest.ts";
import { GoneError } from "../platform/instance-lifetime.ts";
import { NodeHost } from "../platform/node-host.ts";
import { Prng } from "../platform/prng.ts";
import { migrationsOf } from "../platform/sqlite-storage.ts";
import { VirtualTime } from "../platform/virtual-time.ts";

/** How a world is made. Times in ms. */
export interface WorldOptions {
  readonly regions: readonly Region[];
  /** Slots of each region; one when absent. */
  readonly slots?: number;
  /** What the storage holds, as fast as it answers. */
  readonly store: (clock: Clock) => ShardStore;
  readonly settings: Partial<Settings>;
  readonly engine?: Partial<EngineSettings>;
  /** Every partition loses its memory as often; never when absent. */
  readonly memoryLostEvery?: number;
  /** Whether partitions hear of the map. */
  readonly deltas: boolean;
  /** Prefetches that are let through to partitions, by who proposed them. */
  readonly reasons: readonly PrefetchReason[];
  /** Hears of each message for the queue `prefetch`. */
  readonly onQueued?: (message: QueuedPrefetch["body"]) => void;
  /** Parts of the shared model left out. */
  readonly without?: readonly ModelPart[];
}

/** Time of one way between two objects, and usual time a queue takes. */
const ONE_WAY = 20;
const QUEUE_TAKES = 1_500;
/** The same between two objects of one region. */
const NEARBY = 2;

/** The coordinator never loses its memory here, so that storing it every five seconds would only take time. */
const COORDINATOR_ALARM_EVERY = 60_000;

/** Where the clocks of instances come from: the same ones in every world. */
const SEED = 1;

const PARTITION_STEPS = migrationsOf("partition");
const COORDINATOR_STEPS = migrationsOf("coordinator");

/**
 * Regions with their partitions and a coordinator, in virtual time: the production nodes whole, on a network that works
 * and queues that deliver once. What is left out is left out on the way between nodes, never in them.
 */
export class World {
  readonly time = new VirtualTime();
  /** The true time, which the clocks of nodes are near. */
  readonly #clock: Clock = {
    now: () => Math.floor(this.time.now),
    after: (millis, callback) => this.time.after(millis, callback),
  };
  readonly #prng = new Prng(SEED);
  readonly #options: WorldOptions;
  readonly #coordinator: NodeHost<CoordinatorNode>;
  readonly #topology: Topology;
  readonly #partitions: ReadonlyMap<string, Partition>;

  constructor(options: WorldOptions) {
    this.#options = options;
    const { regions, slots = 1 } = options;
    this.#topology = {
      version: 1,
      regions: Object.fromEntries(regions.map((region) => [region, { generation: 1, slots }])),
    };
    this.#coordinator = this.#hostCoordinator({ ...DEFAULT_SETTINGS, ...options.settings });
    const addresses = regions.flatMap((region) => partitionsOf(region, this.#topology));
    this.#partitions = new Map(addresses.map((address) => [address.name, this.#hostPartition(address)]));
    const { memoryLostEvery } = options;
    if (memoryLostEvery !== undefined) this.#loseMemoryEvery(memoryLostEvery);
  }

  /** Lets every partition hear the settings before anything happens. */
  async begin(): Promise<void> {
    for (const { host } of this.#partitions.values()) await host.call((node) => node.invalidate([]));
    await this.time.sleep(1_000);
  }

  /** A read in a region, as the partition answers it; its body has been read. */
  async read(region: Region, read: ReadRequest): Promise<string> {
    return (await this.headersOf(region, read)).get("Cache-Status") ?? "";
  }

  /** The same, with all that the answer's headers say. */
  headersOf(region: Region, read: ReadRequest): Promise<Headers> {
    const owner = ownerOf(region, read.id, read.user, this.#topology);
    return this.#ask(owner.name, async (node) => {
      const answer = await node.fetch(buildReadRequest(read));
      await answer.arrayBuffer();
      return answer.headers;
    });
  }

  /** Calls a partition by its name, and the coordinator, as the Worker does. */
  async callPartition<T>(name: string, work: (node: PartitionNode) => T | Promise<T>): Promise<T> {
    await this.time.sleep(ONE_WAY);
    return this.#ask(name, work);
  }
  async callCoordinator<T>(work: (node: CoordinatorNode) => T | Promise<T>): Promise<T> {
    await this.time.sleep(ONE_WAY);
    return this.#coordinator.call(work);
  }

  /** Something users of a region did besides reading. */
  async observe(region: Region, events: readonly PartitionEvent[]): Promise<void> {
    const homes = Map.groupBy(events, ({ user }) => homeOf(region, user, this.#topology).name);
    for (const [home, theirs] of homes) await this.#ask(home, (node) => node.observe(theirs));
  }

  /** Why a shard is in a region's partition, or is not. */
  explain(region: Region, shard: string): Promise<Explanation> {
    return this.#ask(ownerOf(region, shard, "", this.#topology).name, (node) => node.explain(shard));
  }

  /** What the coordinator learned, as people see it. */
  overview(): Promise<CoordinatorOverview> {
    return this.#coordinator.call((node) => node.overview());
  }

  /** What a partition of a region that knows nothing is told of the map. */
  async slice(region: Region): Promise<MapDelta | undefined> {
    const partition = `g1:${region}:0`;
    const beat = { partition, region, incarnation: 1, settingsVersion: 1, topologyVersion: 1, mapVersion: 0 };
    return (await this.#coordinator.call((node) => node.heartbeat(beat))).mapDelta;
  }

  /** What all partitions counted, in all their lives. */
  counts(): ReadCounts {
    return [...this.countsByPartition().values()].reduce(addCounts, noCounts());
  }

  /** The same, by partition. */
  countsByPartition(): ReadonlyMap<string, ReadCounts> {
    return new Map([...this.#partitions].map(([name, { counts }]) => [name, counts()]));
  }

  /** The memory of every partition goes. */
  loseMemory(): void {
    for (const { host } of this.#partitions.values()) host.loseMemory();
  }

  /** Cron's job, once. */
  async rebalance(): Promise<void> {
    await this.#coordinator.call((node) => node.rebalance());
  }

  /** Asks a partition, again when its memory was lost before it had answered. */
  async #ask<T>(name: string, work: (node: PartitionNode) => T | Promise<T>): Promise<T> {
    const { host } = this.#partitionOf(name);
    try {
      return await host.call(work);
    } catch (error) {
      if (!(error instanceof GoneError)) throw error;
      return host.call(work);
    }
  }

  #partitionOf(name: string): Partition {
    const partition = this.#partitions.get(name);
    if (partition === undefined) throw new Error(`there is no partition ${name}`);
    return partition;
  }

  #loseMemoryEvery(every: number): void {
    this.time.after(every, () => {
      this.loseMemory();
      this.#loseMemoryEvery(every);
    });
  }

  async #heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer> {
    await this.time.sleep(ONE_WAY);
    const { mapDelta, ...answer } = await this.#coordinator.call((node) => node.heartbeat(beat));
    await this.time.sleep(ONE_WAY);
    return mapDelta !== undefined && this.#options.deltas ? { ...answer, mapDelta } : answer;
  }

  #queuePrefetch(message: QueuedPrefetch["body"], delaySeconds: number): void {
    this.#options.onQueued?.(message);
    if (!this.#options.reasons.includes(message.reason)) return;
    this.time.after(QUEUE_TAKES + delaySeconds * 1_000, () => {
      const now = this.time.now;
      const due = message.prefetches.filter(({ expires }) => expires > now);
      if (due.length > 0) void this.#ask(message.partition, (node) => node.prefetch(due, message.reason));
    });
  }

  #hostCoordinator(settings: Settings): NodeHost<CoordinatorNode> {
    const { time } = this;
    return new NodeHost({
      time,
      prng: this.#prng.fork(),
      make: ({ storage, clock }) => {
        let nextAlarm = Number.NEGATIVE_INFINITY;
        return new CoordinatorNode({
          storage: {
            ...storage,
            setAlarm: (at) => {
              nextAlarm = Math.max(at, nextAlarm + COORDINATOR_ALARM_EVERY);
              return storage.setAlarm(nextAlarm);
            },
          },
          migrations: COORDINATOR_STEPS,
          clock,
          topology: this.#topology,
          readSettings: async () => ({ version: 1, settings }),
          partition: (name) => ({
            hear: (logged) => this.#ask(name, (node) => node.hear(logged)),
            forget: () => this.#ask(name, (node) => node.forget()),
          }),
          without: this.#options.without ?? [],
          sendPrefetchBatch: async (batch) => {
            for (const { body, delaySeconds = 0 } of batch) this.#queuePrefetch(body, delaySeconds);
          },
        });
      },
    });
  }

  #hostPartition(address: PartitionAddress): Partition {
    const { store, engine } = this.#options;
    let past = noCounts();
    let node: PartitionNode | undefined;
    /** What the present instance knew of as it woke: those before it counted that. */
    let atBirth = noCounts();
    const counts = (): ReadCounts =>
      node === undefined ? past : addCounts(past, countsBetween(atBirth, node.status().counts));
    const host = new NodeHost({
      time: this.time,
      prng: this.#prng.fork(),
      make: ({ storage, clock }) => {
        past = counts();
        node = new PartitionNode({
          address,
          storage,
          migrations: PARTITION_STEPS,
          store: store(this.#clock),
          clock,
          heartbeat: (beat) => this.#heartbeat(beat),
          sendReport: async (report) => {
            this.time.after(
              QUEUE_TAKES,
              () => void this.#coordinator.call((coordinator) => coordinator.applyReports([report])),
            );
          },
          sendPrefetch: async (message, delaySeconds) => this.#queuePrefetch(message, delaySeconds),
          deliver: async (name, mail) => {
            await this.time.sleep(NEARBY);
            await this.#ask(name, (neighbour) => neighbour.receive(mail));
          },
          askMind: (partition) => this.callPartition(partition, (sibling) => sibling.mind()),
          // Not the platform's, which takes time that is not of this world.
          digest: async (data) => sha256(data),
          ...(engine !== undefined && { engine }),
        });
        atBirth = node.status().counts;
        return node;
      },
    });
    return { host, counts };
  }
}

/** One partition's object, and what it counted in all its lives. */
interface Partition {
  readonly host: NodeHost<PartitionNode>;
  readonly counts: () => ReadCounts;
}
