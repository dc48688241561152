import FlatQueue from "flatqueue";
import type { Admission } from "../../src/core/cache/admission.ts";
import { type Bytes, bytes, type EpochMillis } from "../../src/core/units.ts";
import type { CachePolicy } from "../cache-policy.ts";
import { NONE, type SlotQueue, Slots } from "./slots.ts";

const NOTHING: readonly string[] = [];
const ADMITTED: Admission = { admitted: true, evicted: NOTHING };
const REFUSED: Admission = { admitted: false, evicted: NOTHING };

/** A shard without bytes still takes a place, so that a cache of any size holds a bounded number. */
const MIN_COST = 1;

/** The queue number of a slot that is in no queue, so of an id never seen or forgotten. */
export const NOWHERE = 0;

/** Stale entries the expiry heap may hold before it is rebuilt; small next to any cache worth having. */
const EXPIRY_SLACK = 64;

/**
 * What all policies share: the residents' sizes, room for an admission, and prefetched copies that expire.
 *
 * A policy says where a slot goes (`enter`), what a hit does (`touch`), who goes next (`victim`) and how a slot
 * leaves (`leave`). An access is O(1) and allocates nothing; so is an admission, but for the list of those
 * evicted and, for a prefetched copy, O(log n) in its expiry heap.
 */
export abstract class SlotPolicy implements CachePolicy {
  abstract readonly name: string;
  protected readonly slots = new Slots();
  readonly #expiries = new FlatQueue<number>();
  #capacity: number;
  #used = 0;
  #count = 0;
  #prefetched = 0;
  #now = Number.NEGATIVE_INFINITY;

  constructor(capacity: Bytes) {
    this.#capacity = checkedCapacity(capacity);
  }

  get capacity(): Bytes {
    return bytes(this.#capacity);
  }

  get used(): Bytes {
    return bytes(this.#used);
  }

  get count(): number {
    return this.#count;
  }

  has(id: string): boolean {
    return this.#isResident(this.slots.find(id));
  }

  access(id: string): boolean {
    const slot = this.slots.find(id);
    if (!this.#isResident(slot)) return false;
    if (this.slots.prefetched[slot] === 1) this.#demanded(slot);
    else this.touch(slot);
    return true;
  }

  advance(now: EpochMillis): void {
    if (now > this.#now) this.#now = now;
  }

  admit(id: string, size: Bytes): Admission {
    const cost = Math.max(MIN_COST, size);
    const known = this.slots.find(id);
    if (this.#isResident(known)) {
      if (this.slots.prefetched[known] === 1) this.#demanded(known);
      return this.#resizeShard(known, cost);
    }
    if (!(cost <= this.#capacity)) return REFUSED;
    const origin = known === NONE ? NOWHERE : (this.slots.queue[known] ?? NOWHERE);
    this.missed(origin, cost);
    const slot = this.#slotFor(id, known);
    const evicted = this.#makeRoom(cost, origin);
    this.#reside(slot, cost);
    this.enter(slot, origin);
    return admission(evicted);
  }

  admitPrefetched(id: string, size: Bytes, expiresAt: EpochMillis, now: EpochMillis): Admission {
    this.advance(now);
    const cost = Math.max(MIN_COST, size);
    const known = this.slots.find(id);
    if (this.#isResident(known)) {
      if (this.slots.prefetched[known] === 1) this.#expireAt(known, expiresAt);
      return this.#resizeShard(known, cost);
    }
    if (!(cost <= this.#capacity)) return REFUSED;
    const origin = known === NONE ? NOWHERE : (this.slots.queue[known] ?? NOWHERE);
    const slot = this.#slotFor(id, known);
    this.slots.origin[slot] = origin;
    const evicted = this.#makeRoom(cost, NOWHERE);
    this.#reside(slot, cost);
    this.slots.prefetched[slot] = 1;
    this.#prefetched += 1;
    this.#expireAt(slot, expiresAt);
    this.enterPrefetched(slot);
    return admission(evicted);
  }

  remove(id: string): boolean {
    const slot = this.slots.find(id);
    if (slot === NONE) return false;
    const resident = this.slots.resident[slot] === 1;
    this.leave(slot);
    if (resident) this.#notResident(slot);
    this.slots.release(slot);
    return resident;
  }

  resize(capacity: Bytes): readonly string[] {
    this.#capacity = checkedCapacity(capacity);
    this.capacityChanged();
    return this.#makeRoom(0, NOWHERE);
  }

  /** Where a shard that was asked for goes. `origin` is the queue its ghost was in, or NOWHERE. */
  protected abstract enter(slot: number, origin: number): void;

  /** A demand hit on a resident. */
  protected abstract touch(slot: number): void;

  /**
   * The resident to go next so that `incoming` bytes fit, whose ghost was in the queue `origin` if it is not
   * NOWHERE. There is at least one resident. May reorder queues.
   */
  protected abstract victim(incoming: number, origin: number): number;

  /** The queue a slot is in. */
  protected abstract queueOf(slot: number): SlotQueue;

  /** Where a prefetched copy goes: like a demanded one never seen before, unless the policy knows better. */
  protected enterPrefetched(slot: number): void {
    this.enter(slot, NOWHERE);
  }

  /** Takes a slot, resident or ghost, out of its queue. */
  protected leave(slot: number): void {
    this.queueOf(slot).remove(slot);
  }

  /** Queues an evicted shard as a ghost and says true, or false to forget it. `from` is the queue it left. */
  protected haunt(_slot: number, _from: number): boolean {
    return false;
  }

  /** A demand miss of a shard of that cost, about to be admitted. `origin` is the queue of the shard's ghost, or NOWHERE. */
  protected missed(_origin: number, _cost: number): void {
    // Most policies learn nothing from a miss before the admission.
  }

  /** The capacity is another now; nothing has been evicted yet. */
  protected capacityChanged(): void {
    // Most policies have no share to recompute.
  }

  #isResident(slot: number): boolean {
    return slot !== NONE && this.slots.resident[slot] === 1;
  }

  /** The first access of a prefetched copy does what its admission would have done without the prefetch. */
  #demanded(slot: number): void {
    const origin = this.slots.origin[slot] ?? NOWHERE;
    this.slots.prefetched[slot] = 0;
    this.#prefetched -= 1;
    this.missed(origin, this.slots.cost[slot] ?? 0);
    this.leave(slot);
    this.enter(slot, origin);
  }

  /** The slot of a shard about to be admitted: its ghost's, out of its queue so that no eviction takes it. */
  #slotFor(id: string, ghost: number): number {
    if (ghost === NONE) return this.slots.take(id);
    this.leave(ghost);
    return ghost;
  }

  #reside(slot: number, cost: number): void {
    this.slots.resident[slot] = 1;
    this.slots.cost[slot] = cost;
    this.#used += cost;
    this.#count += 1;
  }

  #notResident(slot: number): void {
    this.#used -= this.slots.cost[slot] ?? 0;
    this.#count -= 1;
    this.slots.resident[slot] = 0;
    if (this.slots.prefetched[slot] === 1) this.#prefetched -= 1;
    this.slots.prefetched[slot] = 0;
  }

  #makeRoom(cost: number, origin: number): readonly string[] {
    if (this.#used + cost <= this.#capacity) return NOTHING;
    const evicted: string[] = [];
    while (this.#used + cost > this.#capacity) evicted.push(this.#evict(cost, origin));
    return evicted;
  }

  #evict(incoming: number, origin: number): string {
    const expired = this.#expired();
    const slot = expired === NONE ? this.victim(incoming, origin) : expired;
    const id = this.slots.id(slot);
    const wasted = this.slots.prefetched[slot] === 1;
    const from = this.slots.queue[slot] ?? NOWHERE;
    this.leave(slot);
    this.#notResident(slot);
    if (wasted || !this.haunt(slot, from)) this.slots.release(slot);
    return id;
  }

  #resizeShard(slot: number, cost: number): Admission {
    const id = this.slots.id(slot);
    if (!(cost <= this.#capacity)) {
      this.remove(id);
      return { admitted: false, evicted: [id] };
    }
    const change = cost - (this.slots.cost[slot] ?? 0);
    this.slots.cost[slot] = cost;
    this.queueOf(slot).cost += change;
    this.#used += change;
    const evicted = this.#makeRoom(0, NOWHERE);
    return this.has(id) ? admission(evicted) : { admitted: false, evicted };
  }

  #expireAt(slot: number, expiresAt: EpochMillis): void {
    this.slots.expiresAt[slot] = expiresAt;
    if (this.#expiries.length > 2 * this.#prefetched + EXPIRY_SLACK) this.#rebuildExpiries();
    this.#expiries.push(slot, expiresAt);
  }

  /** A prefetched copy whose time has passed, earliest first, or NONE. */
  #expired(): number {
    for (;;) {
      const due = this.#expiries.peekValue();
      if (due === undefined || due > this.#now) return NONE;
      const slot = this.#expiries.pop() ?? NONE;
      if (this.#awaits(slot, due)) return slot;
    }
  }

  /** Whether a heap entry still stands: the copy was neither used, evicted nor given another time. */
  #awaits(slot: number, due: number): boolean {
    return this.slots.prefetched[slot] === 1 && this.slots.expiresAt[slot] === due;
  }

  #rebuildExpiries(): void {
    const standing = new Map<number, number>();
    for (let due = this.#expiries.peekValue(); due !== undefined; due = this.#expiries.peekValue()) {
      const slot = this.#expiries.pop() ?? NONE;
      if (this.#awaits(slot, due)) standing.set(slot, due);
    }
    for (const [slot, due] of standing) this.#expiries.push(slot, due);
  }
}

const admission = (evicted: readonly string[]): Admission =>
  evicted.length === 0 ? ADMITTED : { admitted: true, evicted };

const checkedCapacity = (capacity: number): number => {
  if (!(capacity > 0)) throw new RangeError(`A cache needs room: give a capacity above 0, not ${capacity}.`);
  return capacity;
};
