import { CoordinatorNode } from "../../durable-objects/coordinator/coordinator-node.ts";
import type { QueuedPrefetch } from "../../durable-objects/coordinator/prefetch-sender.ts";
import { PartitionNode } from "../../durable-objects/partition/partition-node.ts";
import { sha256 } from "../../simulator/platform/digest.ts";
import { NodeHost } from "../../simulator/platform/node-host.ts";
import { Prng } from "../../simulator/platform/prng.ts";
import { migrationsOf } from "../../simulator/platform/sqlite-storage.ts";
import { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import type { Report } from "../../src/contract/messages.ts";
import { buildReadRequest, type ReadRequest } from "../../src/contract/partition-protocol.ts";
import type { Heartbeat, HeartbeatAnswer } from "../../src/contract/rpc.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src/contract/settings.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { bytes } from "../../src/core/units.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";
import { type ShardStore, StorageUnavailableError } from "../../src/storage/shard-store.ts";
import { readOf } from "../support/read-of.ts";

const WEUR: PartitionAddress = { name: "g1:weur:0", region: "weur", generation: 1, slot: 0 };
const PARTITION_STEPS = migrationsOf("partition");
const COORDINATOR_STEPS = migrationsOf("coordinator");
/** Bytes of what the partition learns: small, so that a new instance is cheap. */
const MODEL_BYTES = bytes(262_144);

/** One partition and its coordinator on a platform of virtual time; everything they wait for takes as long as a test says. */
export class Bench {
  readonly time = new VirtualTime();
  /** The true time; machines' clocks are near it. */
  readonly clock: Clock = {
    now: () => Math.floor(this.time.now),
    after: (millis, callback) => this.time.after(millis, callback),
  };
  readonly truth = new MemoryShardStore(() => this.clock.now());
  /** What the partition asked the storage for. */
  readonly asked: string[] = [];
  readonly reports: Report[] = [];
  readonly batches: (readonly QueuedPrefetch[])[] = [];
  readonly settings: Settings;
  /** ms until the storage answers, until the coordinator does, and until a digest is there. */
  storageTakes = 1;
  heartbeatTakes = 0;
  digestTakes = 0;
  storageFails = false;
  coordinatorAnswers = true;
  /** Whether the queues take prefetches, and reports. */
  queueTakes = true;
  reportsTaken = true;
  /** Answers heartbeats in the coordinator's place. */
  answer: (beat: Heartbeat) => Promise<HeartbeatAnswer> = (beat) =>
    this.coordinatorHost.call((node) => node.heartbeat(beat));
  /** What a sibling answers when it is asked for its mind. */
  askMind: (partition: string) => Promise<unknown> = async () => null;
  /** How the next instance of the partition sees its storage. */
  wrapStorage: (view: NodeStorage) => NodeStorage = (view) => view;
  readonly coordinatorHost: NodeHost<CoordinatorNode>;
  readonly host: NodeHost<PartitionNode>;
  /** The instances that are awake. */
  coordinator!: CoordinatorNode;
  partition!: PartitionNode;
  readonly #address: PartitionAddress;

  constructor(settings: Partial<Settings> = {}, address: PartitionAddress = WEUR) {
    this.#address = address;
    this.settings = { ...DEFAULT_SETTINGS, ...settings };
    const prng = new Prng(1);
    const { time } = this;
    this.coordinatorHost = new NodeHost({
      time,
      prng: prng.fork(),
      make: ({ storage, clock }) => {
        this.coordinator = this.#makeCoordinator(storage, clock);
        return this.coordinator;
      },
    });
    this.host = new NodeHost({
      time,
      prng: prng.fork(),
      make: ({ storage, clock }) => {
        this.partition = this.#makePartition(this.wrapStorage(storage), clock);
        return this.partition;
      },
    });
    void this.coordinatorHost.call(() => undefined);
    void this.host.call(() => undefined);
  }

  /** Lets time pass until `work` is settled. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const ended = work.finally(() => {
      isOver = true;
    });
    await Promise.all([ended.catch(() => undefined), this.time.run(() => isOver)]);
    return ended;
  }

  /** Lets so many ms pass. */
  pass(millis: number): Promise<void> {
    return this.run(this.time.sleep(millis));
  }

  /** The partition's alarm, now. */
  housekeep(): Promise<void> {
    return this.run(this.host.call((node) => node.alarm()));
  }

  /** The partition's memory goes, and it wakes with what it stored. */
  evict(): void {
    this.host.loseMemory();
    void this.host.call(() => undefined);
  }

  /** Begins a read as the edge asks for it, its body whole; time has to pass for it to end. */
  async ask(id: string, more: Partial<ReadRequest> = {}) {
    const request = buildReadRequest(readOf(id, more));
    const response = await this.host.call((node) => node.fetch(request));
    return {
      status: response.status,
      text: await response.text(),
      cache: response.headers.get("Cache-Status"),
      headers: response.headers,
    };
  }

  /** A read, to its end. */
  read(id: string, more: Partial<ReadRequest> = {}) {
    return this.run(this.ask(id, more));
  }

  put(id: string, text: string, headers: { cacheControl?: string; contentType?: string } = {}) {
    return this.truth.put(id, new TextEncoder().encode(text), headers);
  }

  #makeCoordinator(storage: NodeStorage, clock: Clock): CoordinatorNode {
    return new CoordinatorNode({
      storage,
      migrations: COORDINATOR_STEPS,
      clock,
      readSettings: async () => ({ version: 1, settings: this.settings }),
      partition: () => ({
        hear: (logged) => this.host.call((node) => node.hear(logged)),
        forget: () => this.host.call((node) => node.forget()),
      }),
      sendPrefetchBatch: async (batch) => {
        if (!this.queueTakes) throw new Error("the queue is away");
        this.batches.push(batch);
      },
    });
  }

  #makePartition(storage: NodeStorage, clock: Clock): PartitionNode {
    return new PartitionNode({
      address: this.#address,
      storage,
      migrations: PARTITION_STEPS,
      store: this.#store(),
      clock,
      heartbeat: async (beat) => {
        if (!this.coordinatorAnswers) throw new Error("the coordinator is away");
        const answer = await this.answer(beat);
        await this.time.sleep(this.heartbeatTakes);
        return answer;
      },
      digest: async (data) => {
        await this.time.sleep(this.digestTakes);
        return sha256(data);
      },
      sendReport: async (report) => {
        if (!this.reportsTaken) throw new Error("the queue is away");
        this.reports.push(report);
      },
      sendPrefetch: async () => undefined,
      deliver: async () => undefined,
      askMind: (partition) => this.askMind(partition),
      engine: { modelBytes: MODEL_BYTES },
    });
  }

  #store(): ShardStore {
    const { truth } = this;
    const answered = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
      this.asked.push(name);
      const answer = await act();
      await this.time.sleep(this.storageTakes);
      if (this.storageFails) throw new StorageUnavailableError("the storage did not answer");
      return answer;
    };
    return {
      get: (id, range) => answered("get", () => truth.get(id, range)),
      getUnless: (id, etag) => answered("getUnless", () => truth.getUnless(id, etag)),
      head: (id) => answered("head", () => truth.head(id)),
      put: (id, body, options) => truth.put(id, body, options),
      delete: (id) => truth.delete(id),
      list: (options) => truth.list(options),
    };
  }
}
