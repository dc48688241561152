import { NaivePolicy, type Queue, type Resident } from "./policy.ts";

/** SIEVE as one array and the id under the hand. */
export class NaiveSieve extends NaivePolicy {
  readonly #queue: Queue = [];
  protected readonly queues = [this.#queue];
  #order: string[] = [];
  #hand: string | undefined;

  protected enter(entry: Resident): void {
    entry.frequency = 0;
    this.#settle();
    this.#queue.push(entry);
    this.#settle();
  }

  protected touch(entry: Resident): void {
    entry.frequency = 1;
  }

  protected victim(): Resident {
    this.#settle();
    let at = Math.max(0, this.#order.indexOf(this.#hand ?? ""));
    for (;;) {
      const resident = this.#queue[at];
      if (resident === undefined) throw new Error("nothing left to evict");
      this.#hand = resident.id;
      if (resident.frequency === 0) return resident;
      resident.frequency = 0;
      at = (at + 1) % this.#queue.length;
    }
  }

  /** Moves the hand past whatever left since the last look. */
  #settle(): void {
    const present = this.#queue.map((one) => one.id);
    const from = this.#order.indexOf(this.#hand ?? "");
    if (from >= 0) this.#hand = this.#order.slice(from).find((id) => present.includes(id));
    this.#order = present;
  }
}
