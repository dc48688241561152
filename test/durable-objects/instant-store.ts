import type {
  OpenShard,
  PutOptions,
  ShardMeta,
  ShardPage,
  ShardStore,
  UnchangedShard,
} from "../../src/storage/shard-store.ts";

/** Shards in a Map, without anything that takes real time, which virtual time would not wait for. */
export class InstantStore implements ShardStore {
  readonly #shards = new Map<string, { readonly meta: ShardMeta; readonly data: Uint8Array }>();
  readonly #now: () => number;
  #version = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  async get(id: string): Promise<OpenShard | null> {
    const stored = this.#shards.get(id);
    return stored === undefined ? null : { meta: stored.meta, body: streamOf(stored.data) };
  }

  async getUnless(id: string, etag: string): Promise<OpenShard | UnchangedShard | null> {
    const meta = this.#shards.get(id)?.meta;
    return meta?.etag === etag ? { meta, body: null } : this.get(id);
  }

  async head(id: string): Promise<ShardMeta | null> {
    return this.#shards.get(id)?.meta ?? null;
  }

  /** The ETag is the text itself. */
  async put(id: string, body: unknown, { cacheControl }: PutOptions = {}): Promise<ShardMeta> {
    const data = body instanceof Uint8Array ? body : new Uint8Array();
    const etag = `"${new TextDecoder().decode(data)}"`;
    const version = String(++this.#version);
    const meta: ShardMeta = { size: data.length, etag, version, uploaded: this.#now(), cacheControl };
    this.#shards.set(id, { meta, data });
    return meta;
  }

  async delete(id: string): Promise<void> {
    this.#shards.delete(id);
  }

  list(): Promise<ShardPage> {
    throw new Error("nobody lists here");
  }
}

const streamOf = (data: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      if (data.length > 0) controller.enqueue(data);
      controller.close();
    },
  });
