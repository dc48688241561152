import { PartitionNode } from "../../durable-objects/partition/partition-node.ts";
import { sha256 } from "../../simulator/platform/digest.ts";
import { NodeHost } from "../../simulator/platform/node-host.ts";
import { Prng } from "../../simulator/platform/prng.ts";
import { migrationsOf } from "../../simulator/platform/sqlite-storage.ts";
import { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import { buildReadRequest, type ReadRequest } from "../../src/contract/partition-protocol.ts";
import type { HeartbeatAnswer } from "../../src/contract/rpc.ts";
import { DEFAULT_SETTINGS } from "../../src/contract/settings.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { bytes } from "../../src/core/units.ts";
import {
  type OpenShard,
  type ShardStore,
  StorageUnavailableError,
  type UnchangedShard,
} from "../../src/storage/shard-store.ts";
import { InstantStore } from "./instant-store.ts";

const WEUR: PartitionAddress = { name: "g1:weur:0", region: "weur", generation: 1, slot: 0 };
const MIGRATIONS = migrationsOf("partition");
/** What the coordinator tells when nothing has changed. */
export const NO_NEWS: HeartbeatAnswer = {
  changes: [],
  coverage: 55_000,
  warm: [],
  settings: { version: 1, settings: DEFAULT_SETTINGS },
};

/** A body as bytes, and bytes as a body. */
export const text = (body: string): Uint8Array => new TextEncoder().encode(body);

/** A partition on a platform of virtual time, with a storage and a coordinator whose answers take as long as a test says. */
export class PartitionBench {
  readonly time = new VirtualTime();
  readonly truth = new InstantStore(() => Math.floor(this.time.now));
  readonly host: NodeHost<PartitionNode>;
  /** ms until the storage answers, until the coordinator does, and until a digest is there. */
  storageTakes = 1;
  heartbeatTakes = 1;
  digestTakes = 1;
  storageFails = false;
  /** How often the storage was asked. */
  asked = 0;
  /** Each heartbeat's answer; an error when there is none. */
  news: () => HeartbeatAnswer = () => NO_NEWS;

  constructor() {
    this.host = new NodeHost({
      time: this.time,
      prng: new Prng(1),
      make: ({ storage, clock }) =>
        new PartitionNode({
          address: WEUR,
          storage,
          migrations: MIGRATIONS,
          store: this.#store(),
          clock,
          heartbeat: async () => {
            const answer = this.news();
            await this.time.sleep(this.heartbeatTakes);
            return answer;
          },
          sendReport: async () => undefined,
          sendPrefetch: async () => undefined,
          engine: { modelBytes: bytes(65_536) },
          digest: async (data) => {
            await this.time.sleep(this.digestTakes);
            return sha256(data);
          },
        }),
    });
  }

  /** Lets time pass until `work` is done. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const ended = work.finally(() => {
      isOver = true;
    });
    await Promise.all([ended.catch(() => undefined), this.time.run(() => isOver)]);
    return ended;
  }

  /** Lets so many ms pass. */
  pass(millis: number): Promise<void> {
    return this.until(this.time.sleep(millis));
  }

  /** A read as the edge asks for it, its body whole. */
  async read(id: string, more: Partial<ReadRequest> = {}) {
    const request = buildReadRequest({
      id,
      method: "GET",
      user: "ada",
      eventType: "read",
      region: "weur",
      conditions: {},
      bypass: false,
      ...more,
    });
    const response = await this.host.call((node) => node.fetch(request));
    return {
      status: response.status,
      cache: response.headers.get("Cache-Status"),
      headers: response.headers,
      text: await response.text(),
    };
  }

  #store(): ShardStore {
    const { truth } = this;
    const answered = async <T>(act: () => Promise<T>): Promise<T> => {
      this.asked++;
      const answer = await act();
      await this.time.sleep(this.storageTakes);
      if (this.storageFails) throw new StorageUnavailableError("the storage did not answer");
      return answer;
    };
    return {
      get: (id) => answered<OpenShard | null>(() => truth.get(id)),
      getUnless: (id, etag) => answered<OpenShard | UnchangedShard | null>(() => truth.getUnless(id, etag)),
      head: (id) => answered(() => truth.head(id)),
      put: (id, body, options) => truth.put(id, body, options),
      delete: (id) => truth.delete(id),
      list: () => truth.list(),
    };
  }
}
