import { CoordinatorNode } from "../../durable-objects/coordinator/coordinator-node.ts";
import type { QueuedPrefetch } from "../../durable-objects/coordinator/prefetch-sender.ts";
import { PartitionNode } from "../../durable-objects/partition/partition-node.ts";
import type { PrefetchMessage, Report } from "../../src/contract/messages.ts";
import { buildReadRequest, type ReadRequest } from "../../src/contract/partition-protocol.ts";
import type { Heartbeat, HeartbeatAnswer } from "../../src/contract/rpc.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src/contract/settings.ts";
import { type Clock, sleep } from "../../src/core/clock.ts";
import type { EngineSettings } from "../../src/core/engine/settings.ts";
import type { Region } from "../../src/core/placement/regions.ts";
import type { PrefetchReason } from "../../src/core/prefetch/prefetch.ts";
import { addCounts, noCounts, type ReadCounts } from "../../src/core/reporting/read-counts.ts";
import { parsePartitionName } from "../../src/core/routing/route.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { migrationsOf, SqliteStorage } from "../platform/sqlite-storage.ts";
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

const PARTITION_STEPS = migrationsOf("partition");
const COORDINATOR_STEPS = migrationsOf("coordinator");

/**
 * Regions with one partition each and a coordinator, in virtual time: the production nodes whole, on a network that
 * works and queues that deliver once. What is left out is left out on the way between nodes, never in them.
 */
export class World {
  readonly time = new VirtualTime();
  /** Every machine's clock here. */
  readonly clock: Clock = {
    now: () => Math.floor(this.time.now),
    after: (millis, callback) => this.time.after(millis, callback),
  };
  readonly #options: WorldOptions;
  readonly #coordinator: CoordinatorNode;
  readonly #partitions = new Map<Region, PartitionHost>();

  constructor(options: WorldOptions) {
    this.#options = options;
    const settings = { ...DEFAULT_SETTINGS, ...options.settings };
    const { clock } = this;
    this.#coordinator = new CoordinatorNode({
      storage: this.storageOf(
        new SqliteStorage(),
        () => false,
        () => this.#coordinator.alarm(),
        COORDINATOR_ALARM_EVERY,
      ),
      migrations: COORDINATOR_STEPS,
      clock,
      readSettings: async () => ({ version: 1, settings }),
      partition: (name) => ({
        invalidate: async (changes) => this.#hostOf(name)?.node.invalidate(changes),
        forget: async () => this.#hostOf(name)?.node.forget(),
      }),
      sendPrefetchBatch: async (batch) => {
        for (const { body, delaySeconds = 0 } of batch) this.#queuePrefetch(body, delaySeconds);
      },
    });
    for (const region of options.regions)
      this.#partitions.set(region, new PartitionHost(this, region, options));
  }

  /** Lets every partition hear the settings before anything happens. */
  async begin(): Promise<void> {
    for (const host of this.#partitions.values()) host.node.invalidate([]);
    await sleep(this.clock, 1_000);
  }

  /** A read in a region, as the partition answers it; its body has been read. */
  async read(region: Region, read: ReadRequest): Promise<string> {
    const host = this.#partitions.get(region);
    if (host === undefined) throw new Error(`no partition in ${region}`);
    const response = await host.node.fetch(buildReadRequest(read));
    await response.arrayBuffer();
    return response.headers.get("Cache-Status") ?? "";
  }

  /** What all partitions counted, in all their lives. */
  counts(): ReadCounts {
    return [...this.#partitions.values()].map((host) => host.counts()).reduce(addCounts, noCounts());
  }

  async heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer> {
    await sleep(this.clock, ONE_WAY);
    const { mapDelta, ...answer } = await this.#coordinator.heartbeat(beat);
    await sleep(this.clock, ONE_WAY);
    return mapDelta !== undefined && this.#options.deltas ? { ...answer, mapDelta } : answer;
  }

  async sendReport(report: Report): Promise<void> {
    this.time.after(QUEUE_TAKES, () => this.#coordinator.applyReports([report]));
  }

  async sendPrefetch(message: PrefetchMessage, delaySeconds: number): Promise<void> {
    this.#queuePrefetch(message, delaySeconds);
  }

  /** Cron's job, once. */
  async rebalance(): Promise<void> {
    await this.#coordinator.rebalance();
  }

  #queuePrefetch(message: QueuedPrefetch["body"], delaySeconds: number): void {
    if (!this.#options.reasons.includes(message.reason)) return;
    this.time.after(QUEUE_TAKES + delaySeconds * 1_000, () => {
      const now = this.time.now;
      const due = message.prefetches.filter(({ expires }) => expires > now);
      if (due.length > 0) this.#hostOf(message.partition)?.node.prefetch(due, message.reason);
    });
  }

  #hostOf(name: string): PartitionHost | undefined {
    const address = parsePartitionName(name);
    return address === null ? undefined : this.#partitions.get(address.region);
  }

  /** An object's storage as one instance of it sees it, whose alarms come on time. */
  storageOf(
    storage: SqliteStorage,
    isOver: () => boolean,
    onAlarm: () => void,
    atMostEvery = 0,
  ): NodeStorage {
    let firedAt = Number.NEGATIVE_INFINITY;
    return {
      ...storage.view(isOver),
      setAlarm: async (time) => {
        firedAt = Math.max(time, firedAt + atMostEvery);
        this.time.after(firedAt - this.time.now, onAlarm);
      },
    };
  }
}

/** One partition's object: its storage, and the instance there is of it. */
class PartitionHost {
  readonly #world: World;
  readonly #region: Region;
  readonly #options: WorldOptions;
  readonly #storage = new SqliteStorage();
  #past: ReadCounts = noCounts();
  #lives = 0;
  node: PartitionNode;

  constructor(world: World, region: Region, options: WorldOptions) {
    this.#world = world;
    this.#region = region;
    this.#options = options;
    this.node = this.#wake();
    if (options.memoryLostEvery !== undefined) this.#loseMemory(options.memoryLostEvery);
  }

  counts(): ReadCounts {
    return addCounts(this.#past, this.node.status().sinceLoaded);
  }

  #loseMemory(every: number): void {
    this.#world.time.after(every, () => {
      this.#past = this.counts();
      this.node = this.#wake();
      this.#loseMemory(every);
    });
  }

  #wake(): PartitionNode {
    const { store, engine } = this.#options;
    const address = parsePartitionName(`g1:${this.#region}:0`);
    if (address === null) throw new Error(`${this.#region} is no region`);
    const world = this.#world;
    const lives = ++this.#lives;
    return new PartitionNode({
      address,
      storage: world.storageOf(
        this.#storage,
        () => lives !== this.#lives,
        () => void this.node.alarm(),
      ),
      migrations: PARTITION_STEPS,
      store: store(world.clock),
      clock: world.clock,
      heartbeat: (beat) => world.heartbeat(beat),
      sendReport: (report) => world.sendReport(report),
      sendPrefetch: (message, delaySeconds) => world.sendPrefetch(message, delaySeconds),
      ...(engine !== undefined && { engine }),
    });
  }
}
