import type { Bytes } from "../../src/core/units.ts";
import { SlotPolicy } from "./slot-policy.ts";
import { SlotQueue } from "./slots.ts";

/** Least recently used: what was not asked for the longest goes first. The plainest yardstick. */
export class Lru extends SlotPolicy {
  readonly name = "lru";
  readonly #residents = new SlotQueue(this.slots, 1);

  constructor(capacity: Bytes) {
    super(capacity);
  }

  protected enter(slot: number): void {
    this.#residents.push(slot);
  }

  protected touch(slot: number): void {
    this.#residents.renew(slot);
  }

  protected victim(): number {
    return this.#residents.oldest;
  }

  protected queueOf(): SlotQueue {
    return this.#residents;
  }
}
