import type { Bytes } from "../../src/core/units.ts";
import { FrequencySketch } from "./frequency-sketch.ts";
import { SlotPolicy } from "./slot-policy.ts";
import { NONE, SlotQueue } from "./slots.ts";

/** Share of the cache that newcomers pass through without competing, so that bursts are caught; [1]'s 1 %. */
const WINDOW_SHARE = 0.01;
/** Share of the main cache for shards hit there before; [1]'s 80 %. */
const PROTECTED_SHARE = 0.8;
/** Hits in the main cache, per resident, after which all counts are halved. */
const HITS_BEFORE_HALVING = 32;

const WINDOW = 1;
const PROBATION = 2;
const PROTECTED = 3;
const OVERFLOW = 4;

/**
 * W-TinyLFU: a small LRU window, and a segmented LRU that a shard leaving the window enters only if it was asked
 * for more often than the one that would have to go.
 *
 * The main cache's two segments keep to their shares in whole bytes: what a demotion pushes out of probation
 * waits in the overflow and goes next, without a contest, unless it is asked for first.
 *
 * [1] Einziger, Friedman & Manes, "TinyLFU: a highly efficient cache admission policy", ACM TOS 2017.
 */
export class WTinyLfu extends SlotPolicy {
  readonly name = "wtinylfu";
  readonly #window = new SlotQueue(this.slots, WINDOW);
  readonly #probation = new SlotQueue(this.slots, PROBATION);
  readonly #protected = new SlotQueue(this.slots, PROTECTED);
  readonly #overflow = new SlotQueue(this.slots, OVERFLOW);
  readonly #counts: FrequencySketch;
  readonly #mainResidents: number;
  #mainShare = 0;
  #probationShare = 0;
  #protectedShare = 0;
  #hits = 0;

  /** `residents` is about how many shards the cache will hold; the counts are made for those of the main cache. */
  constructor(capacity: Bytes, residents: number) {
    super(capacity);
    this.#mainResidents = residents - Math.floor(residents * WINDOW_SHARE);
    this.#counts = new FrequencySketch(this.#mainResidents);
    this.capacityChanged();
  }

  protected enter(slot: number): void {
    this.#counts.add(this.slots.id(slot));
    this.#window.push(slot);
  }

  protected override enterPrefetched(slot: number): void {
    this.#window.push(slot);
  }

  protected touch(slot: number): void {
    if (this.#window.holds(slot)) this.#window.renew(slot);
    else this.#hitMain(slot);
  }

  protected victim(): number {
    if (this.#overflow.length > 0) return this.#overflow.oldest;
    for (;;) {
      const newcomer = this.#window.oldest;
      if (newcomer === NONE) return this.#leastInMain();
      const loser = this.#fitsMain(newcomer) ? NONE : this.#loser(newcomer);
      this.#counts.add(this.slots.id(newcomer));
      if (loser === newcomer) return newcomer;
      if (loser !== NONE) this.#toOverflow(loser);
      this.#toMain(newcomer);
      if (loser !== NONE) return loser;
    }
  }

  protected queueOf(slot: number): SlotQueue {
    if (this.#window.holds(slot)) return this.#window;
    if (this.#probation.holds(slot)) return this.#probation;
    return this.#protected.holds(slot) ? this.#protected : this.#overflow;
  }

  protected override capacityChanged(): void {
    this.#mainShare = this.capacity - Math.floor(this.capacity * WINDOW_SHARE);
    this.#protectedShare = Math.floor(this.#mainShare * PROTECTED_SHARE);
    this.#probationShare = Math.floor(this.#mainShare * (1 - PROTECTED_SHARE));
    this.#demoteOverflow();
  }

  #hitMain(slot: number): void {
    this.#counts.add(this.slots.id(slot));
    this.#hits += 1;
    if (this.#hits >= HITS_BEFORE_HALVING * this.#mainResidents) {
      this.#hits = 0;
      this.#counts.halve();
    }
    this.queueOf(slot).remove(slot);
    this.#protected.push(slot);
    this.#demoteOverflow();
  }

  #demoteOverflow(): void {
    while (this.#protected.cost > this.#protectedShare) {
      const slot = this.#protected.oldest;
      this.#protected.remove(slot);
      this.#probation.push(slot);
      while (this.#probation.cost > this.#probationShare) this.#toOverflow(this.#probation.oldest);
    }
  }

  #toOverflow(slot: number): void {
    this.queueOf(slot).remove(slot);
    this.#overflow.push(slot);
  }

  #fitsMain(slot: number): boolean {
    const cost = this.slots.cost[slot] ?? 0;
    return this.#probation.cost + this.#protected.cost + cost <= this.#mainShare;
  }

  /** The protected segment takes newcomers that probation has no room for, as long as it has. */
  #toMain(slot: number): void {
    const cost = this.slots.cost[slot] ?? 0;
    const inProbation = this.#probation.cost + cost <= this.#probationShare;
    const inProtected = this.#protected.cost + cost <= this.#protectedShare;
    this.#window.remove(slot);
    (inProbation || !inProtected ? this.#probation : this.#protected).push(slot);
  }

  /** Whichever was asked for less often: a newcomer, or the one that would have to go for it. */
  #loser(newcomer: number): number {
    const resident = this.#leastInMain();
    if (resident === NONE) return newcomer;
    const wins =
      this.#counts.estimate(this.slots.id(newcomer)) > this.#counts.estimate(this.slots.id(resident));
    return wins ? resident : newcomer;
  }

  #leastInMain(): number {
    return this.#probation.oldest === NONE ? this.#protected.oldest : this.#probation.oldest;
  }
}
