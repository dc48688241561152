import type { Bindings } from "../bindings.ts";
import { ProblemError } from "../contract/problems.ts";
import { type Clock, withTimeout } from "../core/clock.ts";
import type { Change } from "../core/coherence/change.ts";
import type { Region } from "../core/placement/regions.ts";
import { partitionsOf } from "../core/routing/route.ts";
import { SYSTEM_CLOCK } from "../system-clock.ts";
import { retryingPartition } from "./partition-stub.ts";
import { currentRoutingState, currentVersions, learnFrom } from "./routing-state.ts";

/** An own partition that does not answer within this time has not dropped its copy, as far as anybody knows, ms. */
const OWN_TIMEOUT = 5_000;
/** A coordinator that is there answers within a lease term (30 s), whatever partitions do; one that is gone never, ms. */
const STRONG_TIMEOUT = 40_000;
/** The queue takes a message within milliseconds, or it is away, ms. */
const QUEUE_TIMEOUT = 5_000;

/** How a write becomes visible: soon everywhere, or everywhere before it is answered. */
export type Coherence = "bounded" | "strong";

/**
 * Announces a write that the storage has taken. The partitions of the writer's region drop their copies before this
 * resolves, so that the writer reads what it wrote: all of them, since a shard may have several owners, and isolates that
 * have not heard of a new topology yet still ask its owner of before. Bounded: all hear of it through the queue `changes` and the change log; a write
 * that the queue did not take is seen when the freshness of copies ends. Strong: resolves when no partition can serve
 * older bytes.
 * @throws ProblemError `stored-unconfirmed` when that could not be made sure; the write stands and may be repeated.
 */
export async function publishInvalidation(
  env: Bindings,
  change: Change,
  region: Region,
  coherence: Coherence,
  clock: Clock = SYSTEM_CLOCK,
): Promise<void> {
  const toOthers =
    coherence === "strong"
      ? withTimeout(env.COORDINATOR.getByName("main").announceStrong([change]), STRONG_TIMEOUT, clock)
      : withTimeout(env.CHANGES.send(change), QUEUE_TIMEOUT, clock).catch(() => {
          console.error("changes: the queue did not take a change; copies end with their freshness");
        });
  const toOwn = partitionsOf(region, currentRoutingState().topology).map((own) =>
    withTimeout(
      retryingPartition(env, own, (partition) => partition.invalidate([change], currentVersions())),
      OWN_TIMEOUT,
      clock,
    ).then(learnFrom),
  );
  const outcomes = await Promise.allSettled([...toOwn, toOthers]);
  if (outcomes.every(({ status }) => status === "fulfilled")) return;
  throw new ProblemError(
    "stored-unconfirmed",
    "The write is stored, but a partition may serve older bytes for a moment. Repeat the write to make sure.",
    { "Retry-After": "1" },
  );
}
