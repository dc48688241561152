import { first } from "./lru.ts";
import { costOf, NaivePolicy, type Queue, type Resident, take } from "./policy.ts";

/** ARC as the paper's four lists. */
export class NaiveArc extends NaivePolicy {
  readonly #t1: Queue = [];
  readonly #t2: Queue = [];
  protected readonly queues = [this.#t1, this.#t2];
  protected override ghosts: { b1: Queue; b2: Queue } = { b1: [], b2: [] };
  #p = 0;
  #noGhost: Resident | undefined;

  protected enter(entry: Resident, origin: string | undefined): void {
    (origin === undefined ? this.#t1 : this.#t2).push(entry);
  }

  protected touch(entry: Resident): void {
    take(this.#t1, entry.id);
    take(this.#t2, entry.id);
    this.#t2.push(entry);
  }

  protected override missed(origin: string | undefined, cost: number): void {
    const b1 = Math.max(cost, costOf(this.ghosts.b1));
    const b2 = Math.max(cost, costOf(this.ghosts.b2));
    if (origin === "b1") this.#p = Math.min(this.capacity, this.#p + Math.max(1, b2 / b1) * cost);
    if (origin === "b2") this.#p = Math.max(0, this.#p - Math.max(1, b1 / b2) * cost);
  }

  protected victim(incoming: number, origin: string | undefined): Resident {
    const { b1, b2 } = this.ghosts;
    const c = this.capacity;
    this.#noGhost = undefined;
    if (origin !== undefined) return this.#replace(origin);
    if (costOf(this.#t1) + costOf(b1) + incoming > c) {
      if (b1.length === 0) return this.#forgotten();
      while (b1.length > 0 && costOf(this.#t1) + costOf(b1) + incoming > c) b1.shift();
    } else {
      const all = (): number => costOf(this.#t1) + costOf(this.#t2) + costOf(b1) + costOf(b2);
      while (b2.length > 0 && all() + incoming > 2 * c) b2.shift();
    }
    return this.#replace(undefined);
  }

  protected override haunt(entry: Resident, from: Queue): void {
    if (entry.id === this.#noGhost?.id) return;
    (from === this.#t1 ? this.ghosts.b1 : this.ghosts.b2).push(entry);
  }

  protected override capacityChanged(): void {
    this.#p = Math.min(this.#p, this.capacity);
    for (const ghosts of [this.ghosts.b1, this.ghosts.b2]) {
      while (costOf(ghosts) > this.capacity) ghosts.shift();
    }
  }

  #forgotten(): Resident {
    if (this.#t1.length === 0) return first(this.#t2);
    this.#noGhost = first(this.#t1);
    return this.#noGhost;
  }

  #replace(origin: string | undefined): Resident {
    const t1 = costOf(this.#t1);
    const shrinkT1 = t1 > 0 && (t1 > this.#p || (t1 === this.#p && origin === "b2"));
    return first(shrinkT1 || this.#t2.length === 0 ? this.#t1 : this.#t2);
  }
}
