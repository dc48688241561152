import { LEASE_TERM } from "./lease.ts";

/** A partition that may hold copies, as the coordinator knows it. Times in ms since the epoch. */
export interface Member {
  readonly region: string;
  readonly seen: number;
  /** The end of the lease as the coordinator counts it: not before the partition's own. */
  readonly leaseUntil: number;
}

/** Partitions remembered at most: five times what one coordinator is meant for. */
const MAX_MEMBERS = 5_000;

/** The partitions that may hold copies, and until when each may serve them unasked. */
export class Membership {
  readonly #members = new Map<string, Member>();
  /** The last time heard of: never later than now. */
  #latest = Number.NEGATIVE_INFINITY;

  /**
   * Restores a member after a restart. Leases granted before it are not known any more, so each is taken to last a
   * whole term from now.
   */
  restore(partition: string, region: string, seen: number, now: number): void {
    this.#latest = Math.max(this.#latest, now);
    this.#members.set(partition, { region, seen, leaseUntil: now + LEASE_TERM });
  }

  has(partition: string): boolean {
    return this.#members.has(partition);
  }

  /** A heartbeat was received: the lease is renewed. A partition not known yet must be stored first. */
  renew(partition: string, region: string, now: number): void {
    this.#latest = Math.max(this.#latest, now);
    this.#members.delete(partition);
    this.#members.set(partition, { region, seen: now, leaseUntil: now + LEASE_TERM });
  }

  /**
   * Drops members not seen since `oldest`, and the longest silent beyond the bound; returns who went. Whoever may
   * have a lease stays, also when it was restored and has not been seen since.
   */
  prune(oldest: number): readonly string[] {
    const gone: string[] = [];
    for (const [partition, { seen, leaseUntil }] of this.#members)
      if (leaseUntil <= this.#latest && (seen < oldest || this.#members.size > MAX_MEMBERS)) {
        this.#members.delete(partition);
        gone.push(partition);
      }
    return gone;
  }

  /** Those whose lease has not ended: only they can serve copies without asking the storage. */
  leased(now: number): readonly (readonly [partition: string, member: Member])[] {
    return [...this.#members].filter(([, { leaseUntil }]) => leaseUntil > now);
  }

  entries(): readonly (readonly [partition: string, member: Member])[] {
    return [...this.#members];
  }
}
