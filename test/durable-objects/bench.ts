import { createHash } from "node:crypto";
import { CoordinatorNode } from "../../durable-objects/coordinator/coordinator-node.ts";
import type { QueuedPrefetch } from "../../durable-objects/coordinator/prefetch-sender.ts";
import { PartitionNode } from "../../durable-objects/partition/partition-node.ts";
import { migrationsOf, SqliteStorage } from "../../simulator/platform/sqlite-storage.ts";
import { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import type { PrefetchMessage, Report } from "../../src/contract/messages.ts";
import { buildReadRequest, type ReadRequest } from "../../src/contract/partition-protocol.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src/contract/settings.ts";
import type { Clock } from "../../src/core/clock.ts";
import { parsePartitionName } from "../../src/core/routing/route.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";

const PARTITION = "g1:weur:0";

/** A store that counts what it is asked, and fails on demand. */
function watched(store: ShardStore, wait: () => Promise<void>) {
  const calls: string[] = [];
  const state: { fault: Error | null } = { fault: null };
  const call = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    calls.push(name);
    await wait();
    if (state.fault !== null) throw state.fault;
    return work();
  };
  const shown: ShardStore = {
    get: (id, range) => call("get", () => store.get(id, range)),
    getUnless: (id, etag) => call("getUnless", () => store.getUnless(id, etag)),
    head: (id) => call("head", () => store.head(id)),
    put: (id, body, options) => store.put(id, body, options),
    delete: (id) => store.delete(id),
    list: (options) => store.list(options),
  };
  return { store: shown, calls, state };
}

/** One partition and its coordinator in virtual time, on storage that outlives their instances. */
export class Bench {
  readonly time = new VirtualTime();
  readonly clock: Clock = {
    now: () => Math.floor(this.time.now),
    after: (millis, callback) => this.time.after(millis, callback),
  };
  readonly truth = new MemoryShardStore(() => this.clock.now());
  /** What R2 takes to answer, ms. */
  delay = 1;
  readonly r2 = watched(this.truth, () => this.time.sleep(this.delay));
  readonly storage = new SqliteStorage();
  readonly reports: Report[] = [];
  readonly queued: PrefetchMessage[] = [];
  readonly batches: (readonly QueuedPrefetch[])[] = [];
  settings: Settings;
  /** Whether the coordinator answers heartbeats, and the queue takes prefetches. */
  coordinatorAnswers = true;
  queueTakes = true;
  reportsTaken = true;
  /** Changes the storage's view of the partition made next, to make it fail. */
  wrapStorage: (view: NodeStorage) => NodeStorage = (view) => view;
  readonly coordinator: CoordinatorNode;
  partition: PartitionNode;
  #lives = 0;

  constructor(settings: Partial<Settings> = {}) {
    this.settings = { ...DEFAULT_SETTINGS, ...settings };
    this.coordinator = new CoordinatorNode({
      storage: new SqliteStorage().view(() => false),
      migrations: migrationsOf("coordinator"),
      clock: this.clock,
      readSettings: async () => ({ version: 1, settings: this.settings }),
      partition: () => ({
        invalidate: async (changes) => this.partition.invalidate(changes),
        forget: () => this.partition.forget(),
      }),
      sendPrefetchBatch: async (batch) => {
        if (!this.queueTakes) throw new Error("the queue is away");
        this.batches.push(batch);
      },
    });
    this.partition = this.#wake();
  }

  /** Lets time pass until a promise is settled. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const ended = (): void => {
      done = true;
    };
    work.then(ended, ended);
    await this.time.run(() => done);
    return work;
  }

  /** Lets so much time pass. */
  pass(millis: number): Promise<void> {
    return this.run(this.time.sleep(millis));
  }

  /** The partition's memory goes; what it stored stays. */
  evict(): void {
    this.partition = this.#wake();
  }

  async read(id: string, more: Partial<ReadRequest> = {}) {
    const request = buildReadRequest({
      id,
      method: "GET",
      user: "ada",
      eventType: "read",
      region: "weur",
      bypass: false,
      conditions: {},
      ...more,
    });
    const response = await this.run(this.partition.fetch(request));
    const text = await this.run(response.text());
    return {
      status: response.status,
      text,
      cache: response.headers.get("Cache-Status"),
      headers: response.headers,
    };
  }

  put(id: string, text: string, headers: { cacheControl?: string; contentType?: string } = {}) {
    return this.truth.put(id, new TextEncoder().encode(text), headers);
  }

  #wake(): PartitionNode {
    const address = parsePartitionName(PARTITION);
    if (address === null) throw new Error("not a partition's name");
    const life = ++this.#lives;
    return new PartitionNode({
      address,
      storage: this.wrapStorage(this.storage.view(() => life !== this.#lives)),
      migrations: migrationsOf("partition"),
      store: this.r2.store,
      clock: this.clock,
      heartbeat: async (beat) => {
        if (!this.coordinatorAnswers) throw new Error("the coordinator is away");
        return this.coordinator.heartbeat(beat);
      },
      digest: async (data) =>
        Uint8Array.from(createHash("sha256").update(new Uint8Array(data)).digest()).buffer,
      sendReport: async (report) => {
        if (!this.reportsTaken) throw new Error("the queue is away");
        this.reports.push(report);
      },
      sendPrefetch: async (message) => {
        this.queued.push(message);
      },
    });
  }
}
