import type { Change } from "./change.ts";
import { fanOutInvalidation } from "./fan-out-invalidation.ts";
import { CHANGES_WINDOW, CLOCK_TOLERANCE } from "./lease.ts";
import type { Membership } from "./membership.ts";

/** The durable list of recent strong writes. */
export interface RecentChanges {
  add(changes: readonly Change[], now: number): void;
  /** The strong writes of the last `window` ms, and how far back, in ms, the list is complete. */
  since(window: number, now: number): { readonly changes: readonly Change[]; readonly coverage: number };
}

/** What the hub works with. */
export interface LeaseManagerDeps {
  readonly membership: Membership;
  readonly recent: RecentChanges;
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<void>;
  /** Makes a new member durable; a lease must not be granted to one that a restart would forget. */
  readonly remember: (partition: string, region: string, now: number) => void;
  /** Tells one partition; resolves when it has dropped its copies. */
  readonly tell: (partition: string, changes: readonly Change[]) => Promise<void>;
}

/**
 * Slack added to the time since a partition's last heartbeat, for the way this one took: up to it less twice the clock
 * tolerance, once for either clock, the lease goes on unbroken.
 */
const SLACK = 15_000;

/** The coordinator's half of coherence: grants leases and announces strong writes. */
export class LeaseManager {
  readonly #parts: LeaseManagerDeps;

  constructor(parts: LeaseManagerDeps) {
    this.#parts = parts;
  }

  /**
   * Renews a partition's lease and gives what it may have missed. Runs without a pause, so that no strong write can
   * come between the two.
   */
  renew(partition: string, region: string, sinceLast: number | undefined) {
    const { membership, recent, now, remember } = this.#parts;
    const time = now();
    // First, so that when it fails there is no lease.
    if (!membership.has(partition)) remember(partition, region, time);
    membership.renew(partition, region, time);
    const window = sinceLast === undefined ? CHANGES_WINDOW : Math.min(CHANGES_WINDOW, sinceLast + SLACK);
    const { changes, coverage } = recent.since(window, time);
    // What was logged before a restart may be dated by another machine's clock.
    return { changes, coverage: Math.max(0, coverage - CLOCK_TOLERANCE) };
  }

  /** Resolves when no partition can serve anything older than these changes any more. */
  async announceStrong(changes: readonly Change[]): Promise<void> {
    const { membership, recent, now, sleep, tell } = this.#parts;
    // Logged before anybody is told, so that leases granted from now on include it.
    recent.add(changes, now());
    await fanOutInvalidation(changes, { membership, now, sleep, tell });
  }
}
