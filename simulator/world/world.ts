import { CoordinatorNode } from "../../durable-objects/coordinator/coordinator-node.ts";
import type { QueuedPrefetch } from "../../durable-objects/coordinator/prefetch-sender.ts";
import { PartitionNode } from "../../durable-objects/partition/partition-node.ts";
import { buildReadRequest, type ReadRequest } from "../../src/contract/partition-protocol.ts";
import type { Heartbeat, HeartbeatAnswer } from "../../src/contract/rpc.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src/contract/settings.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { EngineSettings } from "../../src/core/engine/settings.ts";
import type { Region } from "../../src/core/placement/regions.ts";
import type { PrefetchReason } from "../../src/core/prefetch/prefetch.ts";
import { addCounts, countsBetween, noCounts, type ReadCounts } from "../../src/core/reporting/read-counts.ts";
import { parsePartitionName } from "../../src/core/routing/route.ts";
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
}

/** Time of one way between two objects, and usual time a queue takes. */
const ONE_WAY = 20;
const QUEUE_TAKES = 1_500;

/** The coordinator never loses its memory here, so that storing it every five seconds would only take time. */
const COORDINATOR_ALARM_EVERY = 60_000;

/** Where the clocks of instances come from: the same ones in every world. */
const SEED = 1;

const PARTITION_STEPS = migrationsOf("partition");
const COORDINATOR_STEPS = migrationsOf("coordinator");

/**
 * Regions with one partition each and a coordinator, in virtual time: the production nodes whole, on a network that
 * works and queues that deliver once. What is left out is left out on the way between nodes, never in them.
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
  readonly #partitions: ReadonlyMap<Region, Partition>;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#coordinator = this.#hostCoordinator({ ...DEFAULT_SETTINGS, ...options.settings });
    this.#partitions = new Map(options.regions.map((region) => [region, this.#hostPartition(region)]));
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
    return this.#ask(region, async (node) => {
      const answer = await node.fetch(buildReadRequest(read));
      await answer.arrayBuffer();
      return answer.headers;
    });
  }

  /** Calls a partition by its name, and the coordinator, as the Worker does. */
  async callPartition<T>(name: string, work: (node: PartitionNode) => T | Promise<T>): Promise<T> {
    await this.time.sleep(ONE_WAY);
    return this.#ask(regionOf(name), work);
  }
  async callCoordinator<T>(work: (node: CoordinatorNode) => T | Promise<T>): Promise<T> {
    await this.time.sleep(ONE_WAY);
    return this.#coordinator.call(work);
  }

  /** What all partitions counted, in all their lives. */
  counts(): ReadCounts {
    return [...this.#partitions.values()].map(({ counts }) => counts()).reduce(addCounts, noCounts());
  }

  /** The memory of every partition goes. */
  loseMemory(): void {
    for (const { host } of this.#partitions.values()) host.loseMemory();
  }

  /** Cron's job, once. */
  async rebalance(): Promise<void> {
    await this.#coordinator.call((node) => node.rebalance());
  }

  /** Asks a region's partition, again when its memory was lost before it had answered. */
  async #ask<T>(region: Region, work: (node: PartitionNode) => T | Promise<T>): Promise<T> {
    const { host } = this.#partitionIn(region);
    try {
      return await host.call(work);
    } catch (error) {
      if (!(error instanceof GoneError)) throw error;
      return host.call(work);
    }
  }

  #partitionIn(region: Region): Partition {
    const partition = this.#partitions.get(region);
    if (partition === undefined) throw new Error(`no partition in ${region}`);
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
    if (!this.#options.reasons.includes(message.reason)) return;
    this.time.after(QUEUE_TAKES + delaySeconds * 1_000, () => {
      const now = this.time.now;
      const due = message.prefetches.filter(({ expires }) => expires > now);
      if (due.length > 0)
        void this.#ask(regionOf(message.partition), (node) => node.prefetch(due, message.reason));
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
          readSettings: async () => ({ version: 1, settings }),
          partition: (name) => ({
            hear: (logged) => this.#ask(regionOf(name), (node) => node.hear(logged)),
            forget: () => this.#ask(regionOf(name), (node) => node.forget()),
          }),
          sendPrefetchBatch: async (batch) => {
            for (const { body, delaySeconds = 0 } of batch) this.#queuePrefetch(body, delaySeconds);
          },
        });
      },
    });
  }

  #hostPartition(region: Region): Partition {
    const address = parsePartitionName(`g1:${region}:0`);
    if (address === null) throw new Error(`${region} is no region`);
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

function regionOf(name: string): Region {
  const address = parsePartitionName(name);
  if (address === null) throw new Error(`${name} is no partition`);
  return address.region;
}
