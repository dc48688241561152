import { messageOf, UserError } from "../../simulator/user-error.ts";
import type { Progress } from "../progress.ts";
import { classify } from "./classify.ts";
import { storageReadsBetween, storageReadsByPartition } from "./empty-start.ts";
import type { Instance } from "./instance.ts";
import type { ReplayOptions } from "./options.ts";
import type { PlannedRequest, ReplayPlan } from "./plan.ts";
import { prepared } from "./prepared.ts";
import { runInOrder } from "./schedule.ts";
import { type ReplayResult, ReplaySummary } from "./summary.ts";

/** A cache for a twentieth of the bytes: small enough that what it keeps matters. */
const MEMORY_SHARE = 1 / 20;
/** Requests without any answer, one after the other, after which the instance is taken to be gone. */
const GIVE_UP_AFTER = 20;

/** What of the options a replay follows. */
type ReplayChoices = Pick<ReplayOptions, "memory" | "disk" | "prefetch" | "concurrency" | "yes" | "keep">;

/**
 * Asks whether it may, stores the shards, starts from nothing, replays and measures. Puts the settings back and deletes
 * the shards it stored, also when it fails or is interrupted.
 */
export async function replay(
  instance: Instance,
  plan: ReplayPlan,
  choices: ReplayChoices,
  progress: Progress,
  signal: AbortSignal,
): Promise<ReplayResult> {
  const change = {
    memoryBytes: choices.memory ?? Math.floor(plan.bytes * MEMORY_SHARE),
    diskBytes: choices.disk,
    prefetchMode: choices.prefetch === "on" ? ("automatic" as const) : ("off" as const),
  };
  return prepared(instance, plan, change, { ...choices, progress, signal }, async () => {
    const before = await storageReadsByPartition(instance);
    const summary = await sendAll(instance, plan.requests, choices.concurrency, progress, signal);
    signal.throwIfAborted();
    return summary.result(storageReadsBetween(before, await storageReadsByPartition(instance)));
  });
}

async function sendAll(
  instance: Instance,
  requests: readonly PlannedRequest[],
  concurrency: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<ReplaySummary> {
  const summary = new ReplaySummary();
  let done = 0;
  let unanswered = 0;
  const run = async (row: number): Promise<void> => {
    const request = requests[row];
    if (request === undefined) return;
    const start = performance.now();
    try {
      const { status, cacheStatus } = await instance.read(request);
      summary.add(classify(status, cacheStatus), performance.now() - start);
      unanswered = 0;
    } catch (cause) {
      summary.add("error", 0);
      if (++unanswered >= GIVE_UP_AFTER)
        throw new UserError(`The instance stopped answering: ${messageOf(cause)}`, { cause });
    }
    progress.at(++done);
  };
  progress.start("replaying", requests.length);
  try {
    await runInOrder({ users: requests.map(({ user }) => user), concurrency, run, signal });
  } finally {
    progress.stop();
  }
  return summary;
}
