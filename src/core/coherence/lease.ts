import { SECOND } from "../units.ts";

/**
 * How long a partition may serve copies after a heartbeat that was answered. The partition counts from sending, the
 * coordinator from receiving, so the partition's end comes first.
 */
export const LEASE_TERM = 30 * SECOND;
/** How far back the coordinator tells of strong writes: two terms, so that a short absence costs nothing. */
export const CHANGES_WINDOW = 60 * SECOND;
/**
 * Clocks of the machines an object runs on may differ by this much, and one of them may be set by as much while an object
 * runs; copies on disk carry their times along.
 */
export const CLOCK_TOLERANCE = 5 * SECOND;

/**
 * Kept back by the partition. Its clock may be set back during the lease, or the lease be read back on a machine whose
 * clock is behind, and the coordinator's clock may be set forward: each by up to the tolerance.
 */
const KEPT_BACK = 2 * CLOCK_TOLERANCE;

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
   * state that is older than the last renewal is only more careful. It was dated by another machine's clock; what
   * is kept back allows for that.
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
   * A heartbeat sent at `sent` was answered now; `coverage` is how far back from now, in ms, the answer's list of
   * strong writes reaches. The listed copies must have been dropped before.
   */
  renew(sent: number, now: number, coverage: number): void {
    const until = sent + LEASE_TERM - KEPT_BACK;
    // An answer that a later one has overtaken has no news.
    if (until <= this.#until) return;
    const lastSent = this.#until - LEASE_TERM + KEPT_BACK;
    // Unbroken: the coordinator counted this partition in all the time, and of what it may have tried in vain to tell
    // since the heartbeat before, the list has everything. Otherwise copies of before the list are checked again.
    const listedSince = now - coverage + CLOCK_TOLERANCE;
    if (!this.isValid(now) || listedSince > lastSent) this.#safeSince = listedSince;
    this.#until = until;
  }

  isValid(now: number): boolean {
    return now < this.#until;
  }

  /** Whether a copy validated at `validatedAt` may be served now. */
  covers(validatedAt: number, now: number): boolean {
    return this.isValid(now) && validatedAt >= this.#safeSince;
  }
}
