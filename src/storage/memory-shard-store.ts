import {
  type ByteRange,
  DigestMismatchError,
  type OpenShard,
  type PutOptions,
  type ShardMeta,
  type ShardPage,
  type ShardStore,
  type UnchangedShard,
} from "./shard-store.ts";

interface Stored {
  readonly meta: ShardMeta;
  readonly data: Uint8Array;
}

/** Shards in a Map: the reference the R2 form is held against, and storage for tools without R2. */
export class MemoryShardStore implements ShardStore {
  readonly #shards = new Map<string, Stored>();
  readonly #now: () => number;
  #version = 0;

  /** @param now the clock that dates uploads, ms since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  async get(id: string, range?: ByteRange): Promise<OpenShard | null> {
    const stored = this.#shards.get(id);
    if (stored === undefined) return null;
    const data =
      range === undefined ? stored.data : stored.data.subarray(range.offset, range.offset + range.length);
    return { meta: stored.meta, body: streamOf(data.slice()) };
  }

  async getUnless(id: string, etag: string): Promise<OpenShard | UnchangedShard | null> {
    const stored = this.#shards.get(id);
    return stored?.meta.etag === etag ? { meta: stored.meta, body: null } : this.get(id);
  }

  async head(id: string): Promise<ShardMeta | null> {
    return this.#shards.get(id)?.meta ?? null;
  }

  async put(
    id: string,
    body: ReadableStream | ArrayBuffer | Uint8Array,
    options: PutOptions = {},
  ): Promise<ShardMeta | null> {
    const data = new Uint8Array(await new Response(body).arrayBuffer());
    const sha256 = options.sha256 === undefined ? undefined : await checkDigest(data, options.sha256);
    const etag = `"${await hexDigest(data)}"`;
    if (!this.#mayStore(id, options)) return null;
    const meta: ShardMeta = {
      size: data.length,
      etag,
      version: String(++this.#version),
      uploaded: this.#now(),
      contentType: options.contentType,
      contentEncoding: options.contentEncoding,
      cacheControl: options.cacheControl,
      sha256,
    };
    this.#shards.set(id, { meta, data });
    return meta;
  }

  async delete(id: string): Promise<void> {
    this.#shards.delete(id);
  }

  async list(options: { prefix?: string; cursor?: string; limit: number }): Promise<ShardPage> {
    const { prefix = "", cursor = "", limit } = options;
    const ids = [...this.#shards.keys()].filter((id) => id.startsWith(prefix) && id > cursor).sort();
    const page = ids.slice(0, limit);
    return {
      shards: page.flatMap((id) => {
        const stored = this.#shards.get(id);
        return stored === undefined ? [] : [{ id, ...stored.meta }];
      }),
      cursor: ids.length > limit ? page.at(-1) : undefined,
    };
  }

  #mayStore(id: string, { ifMatch, ifNoneMatch }: PutOptions): boolean {
    const current = this.#shards.get(id)?.meta.etag;
    if (ifMatch !== undefined && (current === undefined || !lists(ifMatch, current))) return false;
    return ifNoneMatch === undefined || current === undefined || !lists(ifNoneMatch, current);
  }
}

/** A stream that is there at once: simulations wait for promises, not for a platform's threads. */
const streamOf = (data: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      if (data.length > 0) controller.enqueue(data);
      controller.close();
    },
  });

const lists = (tags: string, etag: string): boolean =>
  tags.trim() === "*" || tags.split(",").some((tag) => tag.trim() === etag);

async function hexDigest(data: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function checkDigest(data: Uint8Array<ArrayBuffer>, expected: Uint8Array): Promise<string> {
  const actual = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  if (actual.some((byte, index) => byte !== expected[index]))
    throw new DigestMismatchError("the stored bytes do not have the digest given");
  return actual.toBase64();
}
