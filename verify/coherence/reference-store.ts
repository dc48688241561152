import type { Prng } from "../../simulator/platform/prng.ts";
import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import {
  type ByteRange,
  type OpenShard,
  type PutOptions,
  type ShardMeta,
  type ShardPage,
  type ShardStore,
  StorageUnavailableError,
  type UnchangedShard,
} from "../../src/storage/shard-store.ts";
import { contentOf, contentTypeOf } from "./content.ts";
import type { State } from "./history.ts";

/** The machines that date what is stored may differ by this much either way, ms. */
const DATE_ERROR = 2_500;
/** Usual time of the way to the storage, and back, ms. */
const WAY = 8;
/** Parts a body comes in. */
const PARTS = 3;

/** What is wrong with somebody's way to the storage; ends of the trouble as virtual times. */
export interface Trouble {
  slowUntil: number;
  failingUntil: number;
}

/** What a write stores. */
export interface NewVersion {
  /** Size of new bytes, in cells of 8. */
  readonly cells: number;
  readonly cacheControl: string | undefined;
  /** Store the bytes of before once more, if there are any. */
  readonly sameBytes: boolean;
}

const ABSENT = { etag: null, version: 0, content: 0, size: 0, cacheControl: undefined };

interface Stored {
  readonly meta: ShardMeta;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly state: State;
}

/** The storage: linearisable, each call taking effect at one moment between its beginning and its end. */
export class ReferenceStore {
  readonly states = new Map<string, State[]>();
  readonly #shards = new Map<string, Stored>();
  readonly #time: VirtualTime;
  readonly #prng: Prng;
  #versions = 0;

  constructor(time: VirtualTime, prng: Prng) {
    this.#time = time;
    this.#prng = prng;
  }

  /** Declares a shard, absent so far. */
  declare(shard: string): void {
    this.#record(shard, ABSENT);
  }

  current(shard: string): Stored | undefined {
    return this.#shards.get(shard);
  }

  /** Stores the next version: new bytes, or those of before under other headers. */
  put(shard: string, { cells, cacheControl, sameBytes }: NewVersion): Stored {
    const version = ++this.#versions;
    const before = sameBytes ? this.#shards.get(shard) : undefined;
    const data = before?.data ?? contentOf(version, cells);
    const content = before?.state.content ?? version;
    const etag = `"c${content}"`;
    const state = this.#record(shard, { etag, version, content, size: data.length, cacheControl });
    const meta: ShardMeta = {
      size: data.length,
      etag,
      version: this.nameOf(state),
      uploaded: Math.floor(this.#time.now + this.#prng.between(-DATE_ERROR, DATE_ERROR)),
      contentType: contentTypeOf(version),
      cacheControl,
    };
    const stored = { meta, data, state };
    this.#shards.set(shard, stored);
    return stored;
  }

  delete(shard: string): State {
    this.#shards.delete(shard);
    return this.#record(shard, ABSENT);
  }

  /** What the storage calls a version: another for each write. */
  nameOf({ version }: State): string {
    return `version-${version}`;
  }

  #record(shard: string, what: Omit<State, "shard" | "index" | "at">): State {
    const states = this.states.get(shard) ?? [];
    this.states.set(shard, states);
    const state = { shard, index: states.length, at: this.#time.now, ...what };
    states.push(state);
    return state;
  }
}

/** Somebody's way to the storage: every call takes time before and after its moment, and may fail on either side. */
export class StorageLink implements ShardStore {
  readonly trouble: Trouble = { slowUntil: 0, failingUntil: 0 };
  readonly #truth: ReferenceStore;
  readonly #time: VirtualTime;
  readonly #prng: Prng;

  constructor(truth: ReferenceStore, time: VirtualTime, prng: Prng) {
    this.#truth = truth;
    this.#time = time;
    this.#prng = prng;
  }

  get(id: string, range?: ByteRange): Promise<OpenShard | null> {
    return this.#call(() => this.#open(id, range));
  }

  getUnless(id: string, etag: string): Promise<OpenShard | UnchangedShard | null> {
    return this.#call(() => {
      const current = this.#truth.current(id);
      return current?.meta.etag === etag ? { meta: current.meta, body: null } : this.#open(id);
    });
  }

  head(id: string): Promise<ShardMeta | null> {
    return this.#call(() => this.#truth.current(id)?.meta ?? null);
  }

  /** Stores a version; `made` hears of it at its moment, even if the answer is lost. */
  write(id: string, version: NewVersion, made: (state: State) => void): Promise<ShardMeta> {
    return this.#call(() => {
      const { state, meta } = this.#truth.put(id, version);
      made(state);
      return meta;
    });
  }

  erase(id: string, made: (state: State) => void): Promise<void> {
    return this.#call(() => made(this.#truth.delete(id)));
  }

  put(_id: string, _body: unknown, _options?: PutOptions): Promise<ShardMeta | null> {
    throw new Error("versions are made by write");
  }
  delete(_id: string): Promise<void> {
    throw new Error("versions are ended by erase");
  }
  list(_options: { limit: number }): Promise<ShardPage> {
    throw new Error("nobody lists here");
  }

  async #call<T>(act: () => T): Promise<T> {
    await this.#way();
    const result = act();
    await this.#way();
    return result;
  }

  async #way(): Promise<void> {
    await this.#time.sleep(this.#prng.around(this.#isSlow ? 4_000 : WAY));
    if (this.#fails()) throw new StorageUnavailableError("the storage did not answer");
  }

  #open(id: string, range?: ByteRange): OpenShard | null {
    const stored = this.#truth.current(id);
    if (stored === undefined) return null;
    const { offset, length } = range ?? { offset: 0, length: stored.data.length };
    return { meta: stored.meta, body: this.#stream(stored.data.slice(offset, offset + length)) };
  }

  /** The bytes in a few parts with pauses between, at times broken off with an error or without. */
  #stream(data: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
    let sent = 0;
    const part = Math.max(1, Math.ceil(data.length / PARTS));
    return new ReadableStream(
      {
        pull: async (controller) => {
          await this.#time.sleep(this.#prng.around(this.#isSlow ? 2_000 : 1));
          if (this.#fails())
            return this.#prng.chance(0.5)
              ? controller.error(new Error("the connection broke"))
              : controller.close();
          controller.enqueue(data.subarray(sent, sent + part));
          sent += part;
          if (sent >= data.length) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  }

  get #isSlow(): boolean {
    return this.#time.now < this.trouble.slowUntil && this.#prng.chance(0.5);
  }

  #fails(): boolean {
    return this.#time.now < this.trouble.failingUntil ? this.#prng.chance(0.6) : this.#prng.chance(0.0005);
  }
}
