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

  /**
   * Restores a member after a restart. Leases granted before it are not known any more, so each is taken to last a
   * whole term from now.
   */
  restore(partition: string, region: string, seen: number, now: number): void {
    this.#members.set(partition, { region, seen, leaseUntil: now + LEASE_TERM });
  }

  /** A heartbeat was received: the lease is renewed. True when the partition was not known, and must be stored first. */
  renew(partition: string, region: string, now: number): boolean {
    const isNew = !this.#members.has(partition);
    this.#members.delete(partition);
    this.#members.set(partition, { region, seen: now, leaseUntil: now + LEASE_TERM });
    return isNew;
  }

  /** Drops members not seen since `oldest`, and the longest silent beyond the bound; returns who went. */
  prune(oldest: number): readonly string[] {
    const gone: string[] = [];
    for (const [partition, { seen }] of this.#members)
      if (seen < oldest || this.#members.size > MAX_MEMBERS) {
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
