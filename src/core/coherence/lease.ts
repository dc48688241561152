import { SECOND } from "../units.ts";

/**
 * How long a partition may serve copies after a heartbeat that was answered. The partition counts from sending, the
 * coordinator from receiving, so the partition's end comes first.
 */
export const LEASE_TERM = 30 * SECOND;
/** How far back the coordinator tells of strong writes: two terms, so that a short absence costs nothing. */
export const CHANGES_WINDOW = 60 * SECOND;
/** Clocks of the machines an object runs on may differ by this much; copies on disk carry their times along. */
export const CLOCK_TOLERANCE = 5 * SECOND;

export interface LeaseState {
  readonly until: number;
  readonly safeSince: number;
}

/**
 * A partition's right to serve copies without asking the storage. All times in ms since the epoch.
 *
 * A copy validated at `v` is covered when the lease is valid and `v >= safeSince`: every strong write since then was
 * either announced to this partition or listed in the answer that began the lease.
 */
export class Lease {
  #until = Number.NEGATIVE_INFINITY;
  #safeSince = Number.POSITIVE_INFINITY;

  /**
   * A lease outlives the memory of its holder: it goes on being told of changes, and drops its stored copies then. A
   * state that is older than the last renewal is only more careful.
   */
  static fromState(state: LeaseState): Lease {
    const lease = new Lease();
    lease.#until = state.until;
    lease.#safeSince = state.safeSince;
    return lease;
  }

  toState(): LeaseState {
    return { until: this.#until, safeSince: this.#safeSince };
  }

  /**
   * A heartbeat sent at `sent` was answered now; `coverage` is how far back, in ms, the answer's list of strong
   * writes reaches. The listed copies must have been dropped before.
   */
  renew(sent: number, now: number, coverage: number): void {
    // Unbroken: the coordinator counted this partition in all the time, so nothing can have been missed.
    if (!this.isValid(now)) this.#safeSince = now - Math.max(0, coverage - CLOCK_TOLERANCE);
    this.#until = Math.max(this.#until, sent + LEASE_TERM);
  }

  isValid(now: number): boolean {
    return now < this.#until;
  }

  /** Whether a copy validated at `validatedAt` may be served now. */
  covers(validatedAt: number, now: number): boolean {
    return this.isValid(now) && validatedAt >= this.#safeSince;
  }
}
