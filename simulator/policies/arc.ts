import { NOWHERE, SlotPolicy } from "./slot-policy.ts";
import { NONE, SlotQueue } from "./slots.ts";

const ONCE = 1;
const OFTEN = 2;
const ONCE_GHOST = 3;
const OFTEN_GHOST = 4;

/**
 * ARC, weighed in bytes: shards asked for once and those asked for more often in a list each, a ghost list behind
 * either, and a target between the two lists that follows whichever ghost is asked for. All in LRU order.
 *
 * The paper's T1, T2, B1 and B2 are `once`, `often` and their ghosts; its p is `#target`.
 * Megiddo & Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003.
 */
export class Arc extends SlotPolicy {
  readonly name = "arc";
  readonly #once = new SlotQueue(this.slots, ONCE);
  readonly #often = new SlotQueue(this.slots, OFTEN);
  readonly #onceGhosts = new SlotQueue(this.slots, ONCE_GHOST);
  readonly #oftenGhosts = new SlotQueue(this.slots, OFTEN_GHOST);
  #target = 0;
  #leavesNoGhost = NONE;

  protected enter(slot: number, origin: number): void {
    (origin === NOWHERE ? this.#once : this.#often).push(slot);
  }

  protected touch(slot: number): void {
    this.queueOf(slot).remove(slot);
    this.#often.push(slot);
  }

  /** A ghost asked for again says its list was given too little room; the rarer such ghosts, the more. */
  protected override missed(origin: number, cost: number): void {
    const once = Math.max(cost, this.#onceGhosts.cost);
    const often = Math.max(cost, this.#oftenGhosts.cost);
    if (origin === ONCE_GHOST) {
      this.#target = Math.min(this.capacity, this.#target + Math.max(1, often / once) * cost);
    } else if (origin === OFTEN_GHOST) {
      this.#target = Math.max(0, this.#target - Math.max(1, once / often) * cost);
    }
  }

  protected victim(incoming: number, origin: number): number {
    this.#leavesNoGhost = NONE;
    if (origin !== NOWHERE) return this.#replaced(origin);
    if (this.#once.cost + this.#onceGhosts.cost + incoming > this.capacity) {
      if (this.#onceGhosts.length === 0) return this.#withoutGhost(this.#once.oldest);
      this.#trim(this.#onceGhosts, this.capacity - this.#once.cost - incoming);
    } else {
      const others = this.#once.cost + this.#onceGhosts.cost + this.#often.cost;
      this.#trim(this.#oftenGhosts, 2 * this.capacity - others - incoming);
    }
    return this.#replaced(NOWHERE);
  }

  protected queueOf(slot: number): SlotQueue {
    if (this.#once.holds(slot)) return this.#once;
    if (this.#often.holds(slot)) return this.#often;
    return this.#onceGhosts.holds(slot) ? this.#onceGhosts : this.#oftenGhosts;
  }

  protected override haunt(slot: number, from: number): boolean {
    if (slot === this.#leavesNoGhost) return false;
    (from === ONCE ? this.#onceGhosts : this.#oftenGhosts).push(slot);
    return true;
  }

  protected override capacityChanged(): void {
    this.#target = Math.min(this.#target, this.capacity);
    this.#trim(this.#onceGhosts, this.capacity);
    this.#trim(this.#oftenGhosts, this.capacity);
  }

  /** The paper's REPLACE: the oldest of the list that is above its share. */
  #replaced(origin: number): number {
    const { cost } = this.#once;
    const above = cost > this.#target || (cost === this.#target && origin === OFTEN_GHOST);
    return (cost > 0 && above) || this.#often.length === 0 ? this.#once.oldest : this.#often.oldest;
  }

  #withoutGhost(slot: number): number {
    if (slot === NONE) return this.#often.oldest;
    this.#leavesNoGhost = slot;
    return slot;
  }

  #trim(ghosts: SlotQueue, room: number): void {
    while (ghosts.length > 0 && ghosts.cost > room) {
      const slot = ghosts.oldest;
      ghosts.remove(slot);
      this.slots.release(slot);
    }
  }
}
