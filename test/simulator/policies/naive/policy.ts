import type { CachePolicy } from "../../../../simulator/cache-policy.ts";
import type { Admission } from "../../../../src/core/cache/admission.ts";
import { type Bytes, bytes, type EpochMillis } from "../../../../src/core/units.ts";

/** A resident as the naive policies see it. */
export interface Resident {
  readonly id: string;
  cost: number;
  frequency: number;
  /** When an unused prefetched copy expires; undefined for a shard that was asked for. */
  expiresAt: number | undefined;
  /** The ghost list the shard was on when it was prefetched. */
  origin: string | undefined;
}

/** Newest last. */
export type Queue = Resident[];

export const costOf = (queue: Queue): number => queue.reduce((sum, one) => sum + one.cost, 0);

export const take = (queue: Queue, id: string): Resident | undefined => {
  const at = queue.findIndex((one) => one.id === id);
  return at < 0 ? undefined : queue.splice(at, 1)[0];
};

/** The contract in arrays and scans: slow, and plain enough to be checked by reading. */
export abstract class NaivePolicy implements CachePolicy {
  readonly name = "naive";
  capacity: Bytes;
  protected abstract readonly queues: readonly Queue[];
  protected ghosts: Record<string, Queue> = {};
  #now = Number.NEGATIVE_INFINITY;

  constructor(capacity: Bytes) {
    this.capacity = capacity;
  }

  get used(): Bytes {
    return bytes(costOf(this.residents()));
  }

  get count(): number {
    return this.residents().length;
  }

  has(id: string): boolean {
    return this.#find(id) !== undefined;
  }

  access(id: string): boolean {
    const resident = this.#find(id);
    if (resident === undefined) return false;
    if (resident.expiresAt === undefined) this.touch(resident);
    else this.#demanded(resident);
    return true;
  }

  advance(now: EpochMillis): void {
    this.#now = Math.max(this.#now, now);
  }

  admit(id: string, size: Bytes): Admission {
    const cost = Math.max(1, size);
    const resident = this.#find(id);
    if (resident?.expiresAt !== undefined) this.#demanded(resident);
    if (resident !== undefined) return this.#regrow(resident, cost);
    if (cost > this.capacity) return { admitted: false, evicted: [] };
    const origin = this.#ghostList(id);
    this.missed(origin, cost);
    const entry = this.#entry(id, cost, undefined, origin);
    const evicted = this.#makeRoom(cost, origin);
    this.enter(entry, origin);
    return { admitted: true, evicted };
  }

  admitPrefetched(id: string, size: Bytes, expiresAt: EpochMillis, now: EpochMillis): Admission {
    this.advance(now);
    const cost = Math.max(1, size);
    const resident = this.#find(id);
    if (resident?.expiresAt !== undefined) resident.expiresAt = expiresAt;
    if (resident !== undefined) return this.#regrow(resident, cost);
    if (cost > this.capacity) return { admitted: false, evicted: [] };
    const entry = this.#entry(id, cost, expiresAt, this.#ghostList(id));
    const evicted = this.#makeRoom(cost, undefined);
    this.enterPrefetched(entry);
    return { admitted: true, evicted };
  }

  remove(id: string): boolean {
    const resident = this.#find(id);
    this.#unlist(id);
    return resident !== undefined;
  }

  resize(capacity: Bytes): readonly string[] {
    this.capacity = capacity;
    this.capacityChanged();
    return this.#makeRoom(0, undefined);
  }

  protected abstract enter(entry: Resident, origin: string | undefined): void;
  protected abstract touch(entry: Resident): void;
  protected abstract victim(incoming: number, origin: string | undefined): Resident;

  protected enterPrefetched(entry: Resident): void {
    this.enter(entry, undefined);
  }

  protected missed(_origin: string | undefined, _cost: number): void {
    // Nothing, for most.
  }

  protected haunt(_entry: Resident, _from: Queue): void {
    // No ghosts, for most.
  }

  protected capacityChanged(): void {
    // Nothing, for most.
  }

  protected residents(): Queue {
    return this.queues.flat();
  }

  #find(id: string): Resident | undefined {
    return this.residents().find((one) => one.id === id);
  }

  #ghostList(id: string): string | undefined {
    return Object.keys(this.ghosts).find((name) => this.ghosts[name]?.some((one) => one.id === id));
  }

  #entry(id: string, cost: number, expiresAt: number | undefined, origin: string | undefined): Resident {
    this.#unlist(id);
    return { id, cost, frequency: 0, expiresAt, origin };
  }

  #unlist(id: string): void {
    for (const queue of [...this.queues, ...Object.values(this.ghosts)]) take(queue, id);
  }

  #demanded(resident: Resident): void {
    resident.expiresAt = undefined;
    this.missed(resident.origin, resident.cost);
    this.#unlist(resident.id);
    this.enter(resident, resident.origin);
  }

  #regrow(resident: Resident, cost: number): Admission {
    if (cost > this.capacity) {
      this.#unlist(resident.id);
      return { admitted: false, evicted: [resident.id] };
    }
    resident.cost = cost;
    const evicted = this.#makeRoom(0, undefined);
    return { admitted: this.has(resident.id), evicted };
  }

  #makeRoom(cost: number, origin: string | undefined): string[] {
    const evicted: string[] = [];
    while (this.used + cost > this.capacity) {
      const going = this.#expired() ?? this.victim(cost, origin);
      const from = this.queues.find((queue) => queue.includes(going)) ?? [];
      this.#unlist(going.id);
      if (going.expiresAt === undefined) this.haunt({ ...going }, from);
      evicted.push(going.id);
    }
    return evicted;
  }

  #expired(): Resident | undefined {
    return this.residents()
      .filter((one) => one.expiresAt !== undefined && one.expiresAt <= this.#now)
      .sort((left, right) => (left.expiresAt ?? 0) - (right.expiresAt ?? 0))[0];
  }
}
