import { NaivePolicy, type Queue, type Resident, take } from "./policy.ts";

/** LRU as one array. */
export class NaiveLru extends NaivePolicy {
  readonly #queue: Queue = [];
  protected readonly queues = [this.#queue];

  protected enter(entry: Resident): void {
    this.#queue.push(entry);
  }

  protected touch(entry: Resident): void {
    take(this.#queue, entry.id);
    this.#queue.push(entry);
  }

  protected victim(): Resident {
    return first(this.#queue);
  }
}

/** Oldest of a queue that is not empty. */
export const first = (queue: Queue): Resident => {
  const oldest = queue[0];
  if (oldest === undefined) throw new Error("nothing left to evict");
  return oldest;
};
