import type { LoggedChanges } from "./change.ts";
import type { Membership } from "./membership.ts";

/** What a strong announcement needs from the world. */
export interface FanOutDeps {
  readonly membership: Membership;
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<void>;
  /** Tells one partition; resolves when it has dropped its copies. */
  readonly tell: (partition: string, logged: LoggedChanges) => Promise<void>;
}

/** Pause between two tries to reach a partition that does not answer. */
const RETRY_AFTER = 500;
/** A partition that does not answer a try within this time is tried again. */
const TRY_TIMEOUT = 5_000;

/**
 * Resolves when no partition can serve anything older than these changes: each one with a lease has acknowledged, or
 * its lease has ended. Being logged, they are part of every lease granted from now on.
 * Takes one round trip when all is well, at most a lease term otherwise.
 */
export async function fanOutInvalidation(logged: LoggedChanges, parts: FanOutDeps): Promise<void> {
  const told = parts.membership
    .leased(parts.now())
    .map(([partition, { leaseUntil }]) => acknowledged(partition, leaseUntil, logged, parts));
  await Promise.all(told);
}

async function acknowledged(
  partition: string,
  leaseUntil: number,
  logged: LoggedChanges,
  { now, sleep, tell }: FanOutDeps,
): Promise<void> {
  while (now() < leaseUntil) {
    const tried = await Promise.race([
      tell(partition, logged).then(
        () => "told" as const,
        () => "failed" as const,
      ),
      sleep(Math.min(TRY_TIMEOUT, leaseUntil - now())).then(() => "silent" as const),
    ]);
    if (tried === "told") return;
    await sleep(Math.max(0, Math.min(RETRY_AFTER, leaseUntil - now())));
  }
}
