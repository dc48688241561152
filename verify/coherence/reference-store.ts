import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import {
  type ByteRange,
  type OpenShard,
  type PutOptions,
  type ShardMeta,
  type ShardPage,
  type ShardStore,
  StorageUnavailableError,
} from "../../src/storage/shard-store.ts";
import { contentOf } from "./content.ts";
import type { State } from "./history.ts";
import type { Prng } from "./prng.ts";

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
  readonly #dice: Prng;
  #versions = 0;

  constructor(time: VirtualTime, dice: Prng) {
    this.#time = time;
    this.#dice = dice;
  }

  /** Declares a shard, absent so far. */
  declare(shard: string): void {
    this.#record(shard, { etag: null, version: 0, size: 0, cacheControl: undefined });
  }

  current(shard: string): Stored | undefined {
    return this.#shards.get(shard);
  }

  /** Stores the next version. */
  put(shard: string, cells: number, cacheControl: string | undefined): Stored {
    const version = ++this.#versions;
    const data = contentOf(version, cells);
    const etag = `"v${version}"`;
    const state = this.#record(shard, { etag, version, size: data.length, cacheControl });
    const uploaded = Math.floor(this.#time.now + this.#dice.between(-DATE_ERROR, DATE_ERROR));
    const stored = { meta: { size: data.length, etag, uploaded, cacheControl }, data, state };
    this.#shards.set(shard, stored);
    return stored;
  }

  delete(shard: string): State {
    this.#shards.delete(shard);
    return this.#record(shard, { etag: null, version: 0, size: 0, cacheControl: undefined });
  }

  #record(shard: string, what: Pick<State, "etag" | "version" | "size" | "cacheControl">): State {
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
  readonly #dice: Prng;

  constructor(truth: ReferenceStore, time: VirtualTime, dice: Prng) {
    this.#truth = truth;
    this.#time = time;
    this.#dice = dice;
  }

  get(id: string, range?: ByteRange): Promise<OpenShard | null> {
    return this.#call(() => this.#open(id, range));
  }

  getUnless(id: string, etag: string): Promise<OpenShard | "unchanged" | null> {
    return this.#call(() => (this.#truth.current(id)?.meta.etag === etag ? "unchanged" : this.#open(id)));
  }

  head(id: string): Promise<ShardMeta | null> {
    return this.#call(() => this.#truth.current(id)?.meta ?? null);
  }

  /** Stores a version of so many cells; `made` hears of it at its moment, even if the answer is lost. */
  write(id: string, cells: number, cacheControl: string | undefined, made: (state: State) => void) {
    return this.#call(() => {
      const { state, meta } = this.#truth.put(id, cells, cacheControl);
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
    await this.#time.sleep(this.#dice.around(this.#isSlow ? 4_000 : WAY));
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
          await this.#time.sleep(this.#dice.around(this.#isSlow ? 2_000 : 1));
          if (this.#fails())
            return this.#dice.chance(0.5)
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
    return this.#time.now < this.trouble.slowUntil && this.#dice.chance(0.5);
  }

  #fails(): boolean {
    return this.#time.now < this.trouble.failingUntil ? this.#dice.chance(0.6) : this.#dice.chance(0.0005);
  }
}
