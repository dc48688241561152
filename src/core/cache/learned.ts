import { grown } from "../collections/grown.ts";
import { ABSENT, DEMANDED, RESIDENT, type ShardTable, UNUSED } from "../learning/shard-table.ts";
import type { SeededRandom } from "../random.ts";
import type { ReuseLearner } from "./reuse-learner.ts";

/** Residents drawn per eviction, and of those not taken the worst kept for the next: 24 and 8 are nearly as good as all. */
const SAMPLE = 24;
const CARRY = 8;
/** Victims remembered, to learn what became of them. */
const VICTIMS = 256;
/** Added to the worth of a prefetched copy whose time has not come: it goes only when all else is such, too. */
const HELD_BONUS = 1;
/** Expired copies looked at per eviction. */
const EXPIRY_STEPS = 8;
/** Largest copy a cache in memory can be asked to hold. */
const MAX_SIZE = 0xffffffff;
/** Smoothing of the victims' worth: about the last 50 evictions. */
const WORTH_RATE = 0.02;

/**
 * The residents of a cache of bounded size, and who has to go: first prefetched copies whose time has passed unused,
 * then, of a sample, the one worth least per byte (sampled eviction: Redis; LHD, Beckmann et al., NSDI 2018), worth
 * being the learned probability that it is wanted soon. Holds handles and sizes, never bytes.
 *
 * Admitting is O(sample) per eviction.
 */
export class LearnedCache {
  capacity: number;
  used = 0;
  count = 0;
  /** Bytes taken by prefetched copies nobody has asked for yet. */
  held = 0;
  /** Usual worth per byte of what is evicted. */
  victimWorth = 0;
  /** Ticks an unused prefetched copy is held. */
  holdTicks = 6;
  /** Ticks in which the cache turns over once. */
  turnover = 16;
  readonly #shards: ShardTable;
  readonly #reuse: ReuseLearner;
  readonly #random: SeededRandom;
  #residents = new Int32Array(1_024);
  /** Held copies by the tick of their admission; a ring that grows. */
  #queue = new Int32Array(1_024);
  #queueHead = 0;
  #queueTail = 0;
  readonly #sample = new Int32Array(SAMPLE + CARRY);
  readonly #worth = new Float64Array(SAMPLE + CARRY);
  readonly #carried = new Int32Array(CARRY);
  #carriedCount = 0;
  readonly #victims = new Int32Array(VICTIMS);
  #victimCount = 0;

  constructor(capacity: number, shards: ShardTable, reuse: ReuseLearner, random: SeededRandom) {
    this.capacity = capacity;
    this.#shards = shards;
    this.#reuse = reuse;
    this.#random = random;
  }

  /** Whether something would have to go to admit anything of usual size. */
  get full(): boolean {
    return this.count > 0 && this.used + this.used / this.count > this.capacity;
  }

  /** A random resident; 0 when there is none. */
  anyResident(): number {
    return this.count === 0 ? 0 : (this.#residents[this.#random.below(this.count)] as number);
  }

  /** One of those evicted last that is still gone; 0 when the draw finds none. */
  anyVictim(): number {
    const known = Math.min(this.#victimCount, VICTIMS);
    if (known === 0) return 0;
    const handle = this.#shards.resolve(this.#victims[this.#random.below(known)] as number);
    return handle !== 0 && this.#shards.state[handle] === ABSENT ? handle : 0;
  }

  /** A demand found `handle` resident. True when it was a prefetched copy's first use. */
  use(handle: number): boolean {
    if (this.#shards.origin[handle] !== UNUSED) return false;
    this.#shards.origin[handle] = 2;
    this.held -= this.#shards.size[handle] as number;
    return true;
  }

  /**
   * Admits `handle`, evicting into `evicted` what has to go. False, and nothing changes, when it is larger than the
   * cache.
   */
  admit(handle: number, asked: number, prefetched: boolean, tick: number, evicted: number[]): boolean {
    const shards = this.#shards;
    // Even an empty shard takes an entry; and sizes are kept in 32 bits.
    const size = Math.max(1, Math.ceil(asked));
    if (size > this.capacity || size > MAX_SIZE) return false;
    if (shards.state[handle] === RESIDENT) this.remove(handle);
    while (this.used + size > this.capacity) evicted.push(this.#evict(tick));
    shards.state[handle] = RESIDENT;
    shards.origin[handle] = prefetched ? UNUSED : DEMANDED;
    shards.admittedAt[handle] = tick;
    shards.size[handle] = size;
    shards.slot[handle] = this.count;
    if (this.count === this.#residents.length)
      this.#residents = grown(this.#residents, new Int32Array(this.count * 2));
    this.#residents[this.count++] = handle;
    this.used += size;
    if (prefetched) this.#hold(handle, size, tick);
    return true;
  }

  /** Removes a resident. */
  remove(handle: number): void {
    const shards = this.#shards;
    const size = shards.size[handle] as number;
    if (shards.origin[handle] === UNUSED) this.held -= size;
    shards.state[handle] = ABSENT;
    shards.origin[handle] = DEMANDED;
    const slot = shards.slot[handle] as number;
    const moved = this.#residents[--this.count] as number;
    this.#residents[slot] = moved;
    shards.slot[moved] = slot;
    this.used -= size;
  }

  /** Changes the capacity, evicting into `evicted` what no longer fits. */
  resize(capacity: number, tick: number, evicted: number[]): void {
    this.capacity = capacity;
    while (this.used > capacity) evicted.push(this.#evict(tick));
  }

  /** Probability-weighted worth per byte of keeping a resident. */
  #worthOf(handle: number, tick: number): number {
    return this.#reuse.probability(handle, tick) / (this.#shards.size[handle] as number);
  }

  #hold(handle: number, size: number, tick: number): void {
    this.held += size;
    this.#shards.heldUntil[handle] = tick + this.holdTicks;
    if (this.#queueHead - this.#queueTail === this.#queue.length) this.#growQueue();
    this.#queue[this.#queueHead++ & (this.#queue.length - 1)] = this.#shards.reference(handle);
  }

  #evict(tick: number): number {
    const expired = this.#expired(tick);
    const victim = expired === 0 ? this.#leastOfSample(tick) : expired;
    this.#victims[this.#victimCount++ & (VICTIMS - 1)] = this.#shards.reference(victim);
    this.remove(victim);
    return victim;
  }

  /** A held copy whose time has passed, or 0. Those held longer than they were at first go to the queue's end. */
  #expired(tick: number): number {
    const shards = this.#shards;
    const mask = this.#queue.length - 1;
    for (let step = 0; step < EXPIRY_STEPS && this.#queueTail < this.#queueHead; ) {
      const reference = this.#queue[this.#queueTail & mask] as number;
      const handle = shards.resolve(reference);
      const isHeld = handle !== 0 && shards.state[handle] === RESIDENT && shards.origin[handle] === UNUSED;
      if (isHeld && (shards.admittedAt[handle] as number) + this.holdTicks > tick) return 0;
      this.#queueTail++;
      if (!isHeld) continue;
      if ((shards.heldUntil[handle] as number) <= tick) return handle;
      this.#queue[this.#queueHead++ & mask] = reference;
      step++;
    }
    return 0;
  }

  #leastOfSample(tick: number): number {
    const drawn = this.#draw(tick);
    let least = 0;
    for (let i = 1; i < drawn; i++)
      if ((this.#worth[i] as number) < (this.#worth[least] as number)) least = i;
    const victim = this.#sample[least] as number;
    const worth = this.#worth[least] as number;
    this.victimWorth += (Math.min(worth, 1) - this.victimWorth) * WORTH_RATE;
    this.#carry(drawn, victim);
    return victim;
  }

  #draw(tick: number): number {
    const drawn = this.count <= SAMPLE + CARRY ? this.#takeAll() : this.#takeSome();
    for (let i = 0; i < drawn; i++) {
      const handle = this.#sample[i] as number;
      const isHeld =
        this.#shards.origin[handle] === UNUSED && (this.#shards.heldUntil[handle] as number) > tick;
      this.#worth[i] = this.#worthOf(handle, tick) + (isHeld ? HELD_BONUS : 0);
    }
    return drawn;
  }

  /** A small cache needs no luck. */
  #takeAll(): number {
    for (let i = 0; i < this.count; i++) this.#sample[i] = this.#residents[i] as number;
    return this.count;
  }

  #takeSome(): number {
    const shards = this.#shards;
    let drawn = 0;
    for (let i = 0; i < this.#carriedCount; i++) {
      const handle = shards.resolve(this.#carried[i] as number);
      if (handle !== 0 && shards.state[handle] === RESIDENT) this.#sample[drawn++] = handle;
    }
    for (let i = 0; i < SAMPLE; i++)
      this.#sample[drawn++] = this.#residents[this.#random.below(this.count)] as number;
    return drawn;
  }

  /** Keeps the worst of the sample but the victim for the next eviction. */
  #carry(drawn: number, victim: number): void {
    this.#drop(drawn, victim);
    this.#carriedCount = 0;
    while (this.#carriedCount < CARRY) {
      let least = -1;
      let leastWorth = Number.POSITIVE_INFINITY;
      for (let i = 0; i < drawn; i++)
        if ((this.#worth[i] as number) < leastWorth) [least, leastWorth] = [i, this.#worth[i] as number];
      if (least < 0) return;
      const handle = this.#sample[least] as number;
      this.#drop(drawn, handle);
      this.#carried[this.#carriedCount++] = this.#shards.reference(handle);
    }
  }

  #drop(drawn: number, handle: number): void {
    for (let i = 0; i < drawn; i++) if (this.#sample[i] === handle) this.#worth[i] = Number.POSITIVE_INFINITY;
  }

  #growQueue(): void {
    const size = this.#queue.length;
    const queue = new Int32Array(size * 2);
    for (let i = this.#queueTail; i < this.#queueHead; i++)
      queue[i & (size * 2 - 1)] = this.#queue[i & (size - 1)] as number;
    this.#queue = queue;
  }
}
