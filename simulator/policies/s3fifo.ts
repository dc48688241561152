import type { Bytes } from "../../src/core/units.ts";
import { SlotPolicy } from "./slot-policy.ts";
import { NONE, SlotQueue } from "./slots.ts";

/** Share of the cache where newcomers prove themselves; 10 % is what [1] found good on thousands of traces. */
const SMALL_SHARE = 0.1;
/** Share of the capacity whose evicted ids are remembered. With the small queue's 10 % it makes a full cache. */
const GHOST_SHARE = 0.9;
/** Accesses after the first that move a newcomer to the main queue. */
const PROMOTE_AT = 2;
/** The main queue's counter has two bits: an access more says nothing about the next. */
const MAX_FREQUENT = 3;

const SMALL = 1;
const MAIN = 2;
const GHOST = 3;

/**
 * S3-FIFO, weighed in bytes: a small queue for newcomers, a main queue, and ghosts of those that fell out of the
 * small one. Most shards are asked for once; they pass through the small queue without disturbing the others.
 *
 * A shard asked for twice while in the small queue moves to the main one, as does one that comes back while its
 * ghost is remembered. The main queue gives a shard as many further rounds as it was asked for, up to three.
 * A prefetched copy enters the small queue and leaves no ghost; its first access counts as its admission.
 *
 * [1] Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023.
 */
export class S3Fifo extends SlotPolicy {
  readonly name = "s3fifo";
  readonly #small = new SlotQueue(this.slots, SMALL);
  readonly #main = new SlotQueue(this.slots, MAIN);
  readonly #ghosts = new SlotQueue(this.slots, GHOST);
  #smallShare = 0;

  constructor(capacity: Bytes) {
    super(capacity);
    this.capacityChanged();
  }

  protected enter(slot: number, origin: number): void {
    this.slots.frequency[slot] = 0;
    if (origin === GHOST) this.#main.push(slot);
    else this.#small.push(slot);
  }

  protected override enterPrefetched(slot: number): void {
    this.slots.frequency[slot] = 0;
    this.#small.push(slot);
  }

  protected touch(slot: number): void {
    const frequency = this.slots.frequency[slot] ?? 0;
    if (frequency < MAX_FREQUENT) this.slots.frequency[slot] = frequency + 1;
  }

  protected victim(): number {
    const mainIsFull = this.#main.cost > this.capacity - this.#smallShare;
    const newcomer = mainIsFull ? NONE : this.#leastNewcomer();
    return newcomer === NONE ? this.#leastInMain() : newcomer;
  }

  protected queueOf(slot: number): SlotQueue {
    if (this.#small.holds(slot)) return this.#small;
    return this.#main.holds(slot) ? this.#main : this.#ghosts;
  }

  protected override haunt(slot: number, from: number): boolean {
    const room = this.capacity * GHOST_SHARE;
    const cost = this.slots.cost[slot] ?? 0;
    if (from !== SMALL || cost > room) return false;
    while (this.#ghosts.cost + cost > room) this.#forgetOldestGhost();
    this.#ghosts.push(slot);
    return true;
  }

  protected override capacityChanged(): void {
    // At least one slot, or a tiny cache would have no small queue at all.
    this.#smallShare = Math.max(1, Math.floor(this.capacity * SMALL_SHARE));
    while (this.#ghosts.cost > this.capacity * GHOST_SHARE) this.#forgetOldestGhost();
  }

  /** Oldest newcomer not asked for again, moving those that were to the main queue; NONE if all were. */
  #leastNewcomer(): number {
    for (let slot = this.#small.oldest; slot !== NONE; slot = this.#small.oldest) {
      if ((this.slots.frequency[slot] ?? 0) < PROMOTE_AT) return slot;
      this.#small.remove(slot);
      this.slots.frequency[slot] = 0;
      this.#main.push(slot);
    }
    return NONE;
  }

  /** Oldest in main that has no rounds left; each round passed costs one. */
  #leastInMain(): number {
    for (;;) {
      const slot = this.#main.oldest;
      const rounds = this.slots.frequency[slot] ?? 0;
      if (slot === NONE || rounds === 0) return slot === NONE ? this.#small.oldest : slot;
      this.slots.frequency[slot] = rounds - 1;
      this.#main.renew(slot);
    }
  }

  #forgetOldestGhost(): void {
    const slot = this.#ghosts.oldest;
    this.#ghosts.remove(slot);
    this.slots.release(slot);
  }
}
