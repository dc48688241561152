import { first } from "./lru.ts";
import { costOf, NaivePolicy, type Queue, type Resident, take } from "./policy.ts";

/** S3-FIFO as three arrays. */
export class NaiveS3Fifo extends NaivePolicy {
  readonly #small: Queue = [];
  readonly #main: Queue = [];
  readonly #ghosts: Queue = [];
  protected readonly queues = [this.#small, this.#main];
  protected override ghosts = { ghosts: this.#ghosts };

  protected enter(entry: Resident, origin: string | undefined): void {
    entry.frequency = 0;
    (origin === undefined ? this.#small : this.#main).push(entry);
  }

  protected touch(entry: Resident): void {
    entry.frequency = Math.min(3, entry.frequency + 1);
  }

  protected victim(): Resident {
    const small = Math.max(1, Math.floor(this.capacity * 0.1));
    if (costOf(this.#main) <= this.capacity - small) {
      while (this.#small.length > 0) {
        const oldest = first(this.#small);
        if (oldest.frequency < 2) return oldest;
        this.#small.shift();
        oldest.frequency = 0;
        this.#main.push(oldest);
      }
    }
    return this.#victimInMain();
  }

  protected override haunt(entry: Resident, from: Queue): void {
    if (from !== this.#small || entry.cost > 0.9 * this.capacity) return;
    this.#trimGhosts(entry.cost);
    this.#ghosts.push(entry);
  }

  protected override capacityChanged(): void {
    this.#trimGhosts(0);
  }

  #trimGhosts(incoming: number): void {
    while (costOf(this.#ghosts) + incoming > 0.9 * this.capacity) this.#ghosts.shift();
  }

  #victimInMain(): Resident {
    while (this.#main.length > 0) {
      const oldest = first(this.#main);
      if (oldest.frequency === 0) return oldest;
      oldest.frequency -= 1;
      take(this.#main, oldest.id);
      this.#main.push(oldest);
    }
    return first(this.#small);
  }
}
