import type { Change, LoggedChanges } from "./change.ts";
import { fanOutInvalidation } from "./fan-out-invalidation.ts";
import type { Membership } from "./membership.ts";

/** The durable log of all changes, numbered without gaps. */
export interface ChangeLogStore {
  /** Numbers the changes. */
  append(changes: readonly Change[], now: number): LoggedChanges;
  /**
   * All changes after the number `at`. Where they are not all there any more, or nothing was heard yet, those of the last
   * minute: the answer's `after` says so.
   */
  since(at: number | undefined, now: number): LoggedChanges;
}

/** A piece of the log, and the partitions that should hear of it at once: those that may serve copies unasked. */
export interface Announcement {
  readonly logged: LoggedChanges;
  readonly partitions: readonly string[];
}

/** What the lease manager works with. */
export interface LeaseManagerDeps {
  readonly membership: Membership;
  readonly log: ChangeLogStore;
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<void>;
  /** Makes a new member durable; a lease must not be granted to one that a restart would forget. */
  readonly remember: (partition: string, region: string, now: number) => void;
  /** Tells one partition; resolves when it has dropped its copies. */
  readonly tell: (partition: string, logged: LoggedChanges) => Promise<void>;
}

/** The coordinator's half of coherence: grants leases, numbers changes, and announces strong writes. */
export class LeaseManager {
  readonly #deps: LeaseManagerDeps;

  constructor(deps: LeaseManagerDeps) {
    this.#deps = deps;
  }

  /**
   * Renews a partition's lease and gives what changed since the number up to which it has heard everything. Runs without
   * a pause, so that no change can come between the two.
   */
  renew(partition: string, region: string, at: number | undefined): LoggedChanges {
    const { membership, log, now, remember } = this.#deps;
    const time = now();
    // First, so that when it fails there is no lease.
    if (!membership.has(partition)) remember(partition, region, time);
    membership.renew(partition, region, time);
    return log.since(at, time);
  }

  /** Logs changes, for whoever announces them to tell; a partition that is not reached hears with its next heartbeat. */
  announceBounded(changes: readonly Change[]): Announcement {
    const { membership, log, now } = this.#deps;
    const time = now();
    const logged = log.append(changes, time);
    return { logged, partitions: membership.leased(time).map(([partition]) => partition) };
  }

  /** Resolves when no partition can serve anything older than these changes any more. */
  async announceStrong(changes: readonly Change[]): Promise<void> {
    const { membership, log, now, sleep, tell } = this.#deps;
    // Logged before anybody is told, so that leases granted from now on include it.
    const logged = log.append(changes, now());
    await fanOutInvalidation(logged, { membership, now, sleep, tell });
  }
}
