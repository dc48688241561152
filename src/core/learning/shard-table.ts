import { grown } from "../collections/grown.ts";
import { hashPair, hashText } from "../hash.ts";

/** Handles fit in 20 bits, so that a reference (handle and generation) fits in 31. */
const MAX_HANDLES = 1 << 20;
const HANDLE_MASK = MAX_HANDLES - 1;
const GENERATION_MASK = 0x7ff;
/** First size of the table; it doubles as needed. */
const FIRST_SIZE = 1_024;
/** Bytes of the columns, of the map's entry and of the string's header per handle, measured on Node 24. */
const BYTES_PER_HANDLE = 145;
/** Handles the recycling hand looks at before it gives up and the table grows instead. */
const RECYCLE_STEPS = 256;

/** Times the hand passes by an entry that was used: what was really asked for outlives what was only guessed. */
const SPARED = 3;

/** Where a shard's bytes are. */
export const ABSENT = 0;
export const RESIDENT = 1;
/** A prefetch of it is under way. */
export const IN_FLIGHT = 2;
/** Another partition holds it, as far as is known, until the tick in `heldUntil`. */
export const ELSEWHERE = 3;

/** How a resident copy came. */
export const DEMANDED = 0;
/** Prefetched, and nobody has asked for it yet. */
export const UNUSED = 1;
/** Prefetched, and asked for since. */
export const USED = 2;

/** What an entry stands for; only shards can be fetched. */
export const SHARD = 0;
/** A caller's event without a shard: a context, never a target. */
export const EVENT = 1;
/** Shard ids with the user's own id in them, written with a placeholder. */
export const PATTERN = 2;
/** The end of an id, which templates exchange. */
export const SUFFIX = 3;
/** Put before the text of entries of these kinds, so that none can be taken for a shard's id. */
const KIND_MARKS = ["", "\u0001", "\u0002", "\u0003"] as const;

export type Kind = 0 | 1 | 2 | 3;

/** What an entry is as the context of what follows: a hash, the same in every instance. O(length). */
export const contextOf = (text: string, kind: Kind): number => hashPair(hashText(text), kind);

/**
 * Everything known about each shard, in columns indexed by a dense integer handle. The number of handles is bounded:
 * past the limit, the handle of an entry that is neither resident nor lately used is given to the newcomer, and its
 * generation counts up, so that references others keep to the old entry are recognised as stale. Handle 0 is none.
 *
 * All operations are O(1) amortised.
 */
export class ShardTable {
  readonly ids: string[] = [""];
  kind = new Uint8Array(FIRST_SIZE);
  /** Tick of the last demand, 0 if never. */
  last = new Int32Array(FIRST_SIZE);
  /** Ticks between the last two demands, and between the two before. 0: unknown. */
  gap = new Int32Array(FIRST_SIZE);
  gap2 = new Int32Array(FIRST_SIZE);
  /** Demands seen. */
  count = new Int32Array(FIRST_SIZE);
  /** Decayed numbers of demands as of `last`: over about one turnover of the cache, and over eight. */
  shortRate = new Float32Array(FIRST_SIZE);
  longRate = new Float32Array(FIRST_SIZE);
  /** The kind of the last event, hashed. */
  type = new Int32Array(FIRST_SIZE);
  /** Kinds of events seen: 0, 1, or 2 for more. */
  kindsSeen = new Uint8Array(FIRST_SIZE);
  /** Latest predicted probability, and its tick. */
  predicted = new Float32Array(FIRST_SIZE);
  predictedAt = new Int32Array(FIRST_SIZE);
  /** ABSENT, RESIDENT, IN_FLIGHT or ELSEWHERE. */
  state = new Uint8Array(FIRST_SIZE);
  /** DEMANDED, UNUSED or USED. */
  origin = new Uint8Array(FIRST_SIZE);
  /** Index in the cache's list of residents. */
  slot = new Int32Array(FIRST_SIZE);
  /** Tick until which an unused prefetched copy is held, or one elsewhere is believed to be there. */
  heldUntil = new Int32Array(FIRST_SIZE);
  /** Tick at which the copy was admitted. */
  admittedAt = new Int32Array(FIRST_SIZE);
  /** Size of the copy; below 2³². */
  size = new Uint32Array(FIRST_SIZE);
  /** Time of the last demand, in ms. */
  lastMs = new Float64Array(FIRST_SIZE);
  /** Scratch of the candidate list. */
  mark = new Int32Array(FIRST_SIZE);
  markIndex = new Uint8Array(FIRST_SIZE);
  /** Scratch: tick at which the shard was found in the current user's history, and how far back. */
  historyMark = new Int32Array(FIRST_SIZE);
  historyIndex = new Uint8Array(FIRST_SIZE);
  #recent = new Uint8Array(FIRST_SIZE);
  #generation = new Uint16Array(FIRST_SIZE);

  readonly #handles = new Map<string, number>();
  readonly #limitBytes: number;
  readonly #free: number[] = [];
  #textBytes = 0;
  #size = FIRST_SIZE;
  #used = 1;
  #hand = 1;

  /** @param limitBytes bound of the table; residents are kept even beyond it, for they are the cache's, not the model's. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Estimated bytes held: columns, map entries and ids. */
  get bytes(): number {
    return this.#handles.size * BYTES_PER_HANDLE + this.#textBytes;
  }

  /** The handle of the shard `id`, or 0. */
  find(id: string): number {
    return this.#handles.get(id) ?? 0;
  }

  /** The handle of `text`, made if need be. */
  intern(text: string, kind: Kind = SHARD): number {
    const key = kind === SHARD ? text : KIND_MARKS[kind] + text;
    const known = this.#handles.get(key);
    if (known !== undefined) return known;
    const handle = this.#freeHandle(key.length);
    this.ids[handle] = text;
    this.kind[handle] = kind;
    this.#handles.set(key, handle);
    this.#textBytes += key.length;
    return handle;
  }

  /** Marks the entry as used since the recycling hand came by. */
  touch(handle: number): void {
    this.#recent[handle] = SPARED;
  }

  /** An event of this kind came; whether events of another kind have, too. */
  noteType(handle: number, type: number): boolean {
    const before = this.kindsSeen[handle] as number;
    if (before === 0) this.kindsSeen[handle] = 1;
    else if (this.type[handle] !== type) this.kindsSeen[handle] = 2;
    this.type[handle] = type;
    return this.kindsSeen[handle] === 2;
  }

  /** What the entry is as the context of what follows. O(length). */
  contextOf(handle: number): number {
    return contextOf(this.ids[handle] as string, this.kind[handle] as Kind);
  }

  /** A reference that goes stale when the handle is given to another entry. */
  reference(handle: number): number {
    return ((this.#generation[handle] as number) << 20) | handle;
  }

  /** The handle a reference stands for, or 0 when it went stale. */
  resolve(reference: number): number {
    const handle = reference & HANDLE_MASK;
    return this.#generation[handle] === reference >>> 20 ? handle : 0;
  }

  #freeHandle(length: number): number {
    const added = BYTES_PER_HANDLE + length;
    while (this.bytes + added > this.#limitBytes) {
      const recycled = this.#recycle();
      if (recycled === 0) break;
      this.#free.push(recycled);
    }
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#used === this.#size) this.#grow(this.#size * 2);
    return this.#used++;
  }

  /** Clock: passes by who is held, and once by who was used since the hand's last visit. 0 when nobody can go. */
  #recycle(): number {
    for (let step = 0; step < RECYCLE_STEPS; step++) {
      const handle = this.#hand;
      this.#hand = this.#hand + 1 < this.#used ? this.#hand + 1 : 1;
      if (this.ids[handle] === "" || this.state[handle] === RESIDENT || this.state[handle] === IN_FLIGHT)
        continue;
      if ((this.#recent[handle] as number) > 0) {
        this.#recent[handle] = (this.#recent[handle] as number) - 1;
        continue;
      }
      this.#forget(handle);
      return handle;
    }
    return 0;
  }

  #forget(handle: number): void {
    const key = KIND_MARKS[this.kind[handle] as Kind] + this.ids[handle];
    this.#handles.delete(key);
    this.ids[handle] = "";
    this.#textBytes -= key.length;
    this.#generation[handle] = ((this.#generation[handle] as number) + 1) & GENERATION_MASK;
    this.last[handle] = this.gap[handle] = this.gap2[handle] = this.count[handle] = 0;
    this.shortRate[handle] = this.longRate[handle] = this.predicted[handle] = this.predictedAt[handle] = 0;
    this.size[handle] = this.lastMs[handle] = this.mark[handle] = 0;
    this.historyMark[handle] = this.admittedAt[handle] = 0;
    this.kindsSeen[handle] = 0;
    this.state[handle] = ABSENT;
  }

  #grow(size: number): void {
    if (size > MAX_HANDLES)
      throw new RangeError(`more than ${MAX_HANDLES} shards at once: use more partitions`);
    this.kind = grown(this.kind, new Uint8Array(size));
    this.last = grown(this.last, new Int32Array(size));
    this.gap = grown(this.gap, new Int32Array(size));
    this.gap2 = grown(this.gap2, new Int32Array(size));
    this.count = grown(this.count, new Int32Array(size));
    this.shortRate = grown(this.shortRate, new Float32Array(size));
    this.longRate = grown(this.longRate, new Float32Array(size));
    this.type = grown(this.type, new Int32Array(size));
    this.predicted = grown(this.predicted, new Float32Array(size));
    this.predictedAt = grown(this.predictedAt, new Int32Array(size));
    this.state = grown(this.state, new Uint8Array(size));
    this.origin = grown(this.origin, new Uint8Array(size));
    this.slot = grown(this.slot, new Int32Array(size));
    this.heldUntil = grown(this.heldUntil, new Int32Array(size));
    this.admittedAt = grown(this.admittedAt, new Int32Array(size));
    this.size = grown(this.size, new Uint32Array(size));
    this.lastMs = grown(this.lastMs, new Float64Array(size));
    this.mark = grown(this.mark, new Int32Array(size));
    this.markIndex = grown(this.markIndex, new Uint8Array(size));
    this.historyMark = grown(this.historyMark, new Int32Array(size));
    this.historyIndex = grown(this.historyIndex, new Uint8Array(size));
    this.#recent = grown(this.#recent, new Uint8Array(size));
    this.kindsSeen = grown(this.kindsSeen, new Uint8Array(size));
    this.#generation = grown(this.#generation, new Uint16Array(size));
    this.#size = size;
  }
}
