import { messageOf, UserError } from "../../simulator/user-error.ts";
import type { Progress } from "../progress.ts";
import { classify } from "./classify.ts";
import { startEmpty, storageReadsBetween, storageReadsByPartition } from "./empty-start.ts";
import type { Instance, ReplaySettings } from "./instance.ts";
import type { ReplayOptions } from "./options.ts";
import type { PlannedRequest, ReplayPlan } from "./plan.ts";
import { runInOrder } from "./schedule.ts";
import { storeShards } from "./store-shards.ts";
import { type ReplayResult, ReplaySummary } from "./summary.ts";
import { withSettings } from "./with-settings.ts";

/** A cache for a twentieth of the bytes: small enough that what it keeps matters. */
const MEMORY_SHARE = 1 / 20;
/** Requests without any answer, one after the other, after which the instance is taken to be gone. */
const GIVE_UP_AFTER = 20;

/** Stores, starts from nothing, replays and measures. Puts the settings back, also when it is interrupted. */
export async function replay(
  instance: Instance,
  plan: ReplayPlan,
  options: Pick<ReplayOptions, "memory" | "disk" | "prefetch" | "concurrency">,
  progress: Progress,
  signal: AbortSignal,
): Promise<ReplayResult> {
  const [first] = plan.requests;
  if (first === undefined) throw new UserError("The trace has no requests.");
  await storeShards(instance, plan.shards, await instance.list(plan.prefix), progress, signal);
  signal.throwIfAborted();
  const settings = {
    memoryBytes: options.memory ?? Math.floor(plan.bytes * MEMORY_SHARE),
    diskBytes: options.disk,
    prefetchMode: options.prefetch === "on" ? ("automatic" as const) : ("off" as const),
  };
  announce(plan, settings);
  return withSettings(instance, settings, async ({ version }) => {
    await startEmpty(instance, first, version, signal);
    const before = await storageReadsByPartition(instance);
    const summary = await sendAll(instance, plan.requests, options.concurrency, progress, signal);
    signal.throwIfAborted();
    return summary.result(storageReadsBetween(before, await storageReadsByPartition(instance)));
  });
}

/** On stderr, so that standard output has nothing but the result. */
function announce({ requests, shards, bytes }: ReplayPlan, settings: ReplaySettings): void {
  const whole = (count: number): string => count.toLocaleString("en");
  console.error(
    `Replaying ${whole(requests.length)} requests for ${whole(shards.size)} shards of ${whole(bytes)} bytes, with ` +
      `${whole(settings.memoryBytes)} bytes of memory, ${whole(settings.diskBytes)} on disk, ` +
      `prefetching ${settings.prefetchMode}.`,
  );
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
