import { grown } from "../../src/core/collections/grown.ts";

/** "No slot": the end of a queue, or an id that is not known. */
export const NONE = -1;

/** First size of the arrays; they double, so that small caches stay small. */
const FIRST_CAPACITY = 64;

/**
 * Ids with a few numbers each, in parallel typed arrays: an access touches no heap object and allocates nothing.
 * A slot is the position of an id in those arrays; it is reused once released.
 */
export class Slots {
  readonly #index = new Map<string, number>();
  readonly #ids: string[] = [];
  #length = 0;
  #firstFree = NONE;

  /** Neighbours in the one queue a slot is in: `older` towards the oldest end, `newer` towards the newest. */
  older = new Int32Array(FIRST_CAPACITY);
  newer = new Int32Array(FIRST_CAPACITY);
  /** What a slot costs, in bytes. */
  cost = new Float64Array(FIRST_CAPACITY);
  /** For a prefetched copy nobody has asked for yet: when it expires. */
  expiresAt = new Float64Array(FIRST_CAPACITY);
  /** Which queue a slot is in: 0 for none, else a number of the policy's own. */
  queue = new Uint8Array(FIRST_CAPACITY);
  /** For a prefetched copy nobody has asked for yet: the queue its ghost was in, 0 for none. */
  origin = new Uint8Array(FIRST_CAPACITY);
  /** Small saturating counter, the policy's own. */
  frequency = new Uint8Array(FIRST_CAPACITY);
  /** 1 for a resident, 0 for a ghost. */
  resident = new Uint8Array(FIRST_CAPACITY);
  /** 1 for a prefetched copy nobody has asked for yet. */
  prefetched = new Uint8Array(FIRST_CAPACITY);

  /** Slot of `id`, resident or ghost, or NONE. O(1). */
  find(id: string): number {
    return this.#index.get(id) ?? NONE;
  }

  /** Id held in `slot`. */
  id(slot: number): string {
    const id = this.#ids[slot];
    if (id === undefined) throw new RangeError(`slot ${slot} holds no id`);
    return id;
  }

  /** Takes a slot for `id`, all its numbers 0. O(1) amortised. */
  take(id: string): number {
    const slot = this.#firstFree === NONE ? this.#extend() : this.#reuse();
    this.#index.set(id, slot);
    this.#ids[slot] = id;
    this.older[slot] = NONE;
    this.newer[slot] = NONE;
    return slot;
  }

  /** Forgets the id in `slot`; the slot must be in no queue. */
  release(slot: number): void {
    this.#index.delete(this.id(slot));
    this.#ids[slot] = "";
    this.cost[slot] = 0;
    this.queue[slot] = 0;
    this.origin[slot] = 0;
    this.frequency[slot] = 0;
    this.resident[slot] = 0;
    this.prefetched[slot] = 0;
    this.older[slot] = this.#firstFree;
    this.#firstFree = slot;
  }

  #reuse(): number {
    const slot = this.#firstFree;
    this.#firstFree = this.older[slot] ?? NONE;
    return slot;
  }

  #extend(): number {
    if (this.#length === this.older.length) this.#grow(this.#length * 2);
    return this.#length++;
  }

  #grow(length: number): void {
    this.older = grown(this.older, new Int32Array(length));
    this.newer = grown(this.newer, new Int32Array(length));
    this.cost = grown(this.cost, new Float64Array(length));
    this.expiresAt = grown(this.expiresAt, new Float64Array(length));
    this.queue = grown(this.queue, new Uint8Array(length));
    this.origin = grown(this.origin, new Uint8Array(length));
    this.frequency = grown(this.frequency, new Uint8Array(length));
    this.resident = grown(this.resident, new Uint8Array(length));
    this.prefetched = grown(this.prefetched, new Uint8Array(length));
  }
}

/** A queue of slots from oldest to newest, and the bytes in it. Every operation is O(1). */
export class SlotQueue {
  oldest = NONE;
  newest = NONE;
  cost = 0;
  length = 0;
  readonly #slots: Slots;
  readonly #number: number;

  /** `number` is what `slots.queue` says of the slots in this queue. */
  constructor(slots: Slots, number: number) {
    this.#slots = slots;
    this.#number = number;
  }

  /** Whether `slot` is in this queue. */
  holds(slot: number): boolean {
    return this.#slots.queue[slot] === this.#number;
  }

  /** Adds `slot`, which is in no queue, as the newest. */
  push(slot: number): void {
    const slots = this.#slots;
    slots.queue[slot] = this.#number;
    slots.older[slot] = this.newest;
    slots.newer[slot] = NONE;
    if (this.newest === NONE) this.oldest = slot;
    else slots.newer[this.newest] = slot;
    this.newest = slot;
    this.cost += slots.cost[slot] ?? 0;
    this.length += 1;
  }

  /** Takes `slot` out of this queue. */
  remove(slot: number): void {
    const slots = this.#slots;
    const older = slots.older[slot] ?? NONE;
    const newer = slots.newer[slot] ?? NONE;
    if (older === NONE) this.oldest = newer;
    else slots.newer[older] = newer;
    if (newer === NONE) this.newest = older;
    else slots.older[newer] = older;
    slots.queue[slot] = 0;
    this.cost -= slots.cost[slot] ?? 0;
    this.length -= 1;
  }

  /** Makes `slot`, which is in this queue, the newest. */
  renew(slot: number): void {
    if (slot === this.newest) return;
    this.remove(slot);
    this.push(slot);
  }
}
