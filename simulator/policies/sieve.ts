import { SlotPolicy } from "./slot-policy.ts";
import { NONE, SlotQueue } from "./slots.ts";

/**
 * SIEVE: one queue in order of admission, and a hand that walks it from old to new, sparing once what was asked
 * for since it last came by.
 *
 * Zhang et al., "SIEVE is simpler than LRU: an efficient turn-key eviction algorithm for web caches", NSDI 2024.
 */
export class Sieve extends SlotPolicy {
  readonly name = "sieve";
  readonly #residents = new SlotQueue(this.slots, 1);
  #hand = NONE;

  protected enter(slot: number): void {
    this.slots.frequency[slot] = 0;
    this.#residents.push(slot);
  }

  protected touch(slot: number): void {
    this.slots.frequency[slot] = 1;
  }

  protected victim(): number {
    let slot = this.#hand === NONE ? this.#residents.oldest : this.#hand;
    while (this.slots.frequency[slot] === 1) {
      this.slots.frequency[slot] = 0;
      const newer = this.slots.newer[slot] ?? NONE;
      slot = newer === NONE ? this.#residents.oldest : newer;
    }
    this.#hand = slot;
    return slot;
  }

  protected queueOf(): SlotQueue {
    return this.#residents;
  }

  protected override leave(slot: number): void {
    if (slot === this.#hand) this.#hand = this.slots.newer[slot] ?? NONE;
    super.leave(slot);
  }
}
