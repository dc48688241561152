import FlatQueue from "flatqueue";
import type { EpochMillis } from "../units.ts";
import type { Prefetch } from "./prefetch.ts";

/**
 * Prefetches waiting for their turn, the earliest predicted arrival first; each shard at most once. Bounded: when
 * full, new ones are refused, since those waiting are due sooner or were here first. Push and pop O(log n).
 */
export class PrefetchQueue {
  readonly #limit: number;
  readonly #heap = new FlatQueue<Prefetch>();
  /** The entry that counts for a shard; an older one still in the heap is skipped when its turn comes. */
  readonly #waiting = new Map<string, Prefetch>();
  #refused = 0;
  #expired = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#waiting.size;
  }
  get refused(): number {
    return this.#refused;
  }
  get expired(): number {
    return this.#expired;
  }

  /** Queues `prefetch`; an earlier arrival replaces a later one of the same shard. False when nothing changed. */
  push(prefetch: Prefetch): boolean {
    const known = this.#waiting.get(prefetch.shard);
    if (known !== undefined && known.arrival <= prefetch.arrival) return false;
    if (known === undefined && (this.#waiting.size >= this.#limit || this.#heap.length >= 2 * this.#limit)) {
      this.#refused++;
      return false;
    }
    this.#waiting.set(prefetch.shard, prefetch);
    this.#heap.push(prefetch, prefetch.arrival);
    return true;
  }

  /** The next prefetch that is not too late, taken off the queue. */
  pop(now: EpochMillis): Prefetch | undefined {
    for (let next = this.#heap.pop(); next !== undefined; next = this.#heap.pop()) {
      if (this.#waiting.get(next.shard) !== next) continue;
      this.#waiting.delete(next.shard);
      if (next.expires > now) return next;
      this.#expired++;
    }
    return undefined;
  }

  /** Takes `shard` off: it was asked for, written, or fetched otherwise. */
  cancel(shard: string): void {
    this.#waiting.delete(shard);
  }

  /** The queue's content in no particular order. O(n). */
  list(): readonly Prefetch[] {
    return [...this.#waiting.values()];
  }
}
