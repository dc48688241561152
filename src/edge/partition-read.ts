import type { Bindings } from "../bindings.ts";
import {
  buildReadRequest,
  READ_DIRECTLY_HEADER,
  type ReadRequest,
  ROUTING_STATE_HEADER,
} from "../contract/partition-protocol.ts";
import { decodeRoutingState } from "../contract/routing-state.ts";
import { type Clock, withTimeout } from "../core/clock.ts";
import type { PartitionAddress } from "../core/routing/route.ts";
import { readDirectly } from "../http/direct-read.ts";
import { R2ShardStore } from "../storage/r2-shard-store.ts";
import { resilient } from "../storage/resilient-store.ts";
import type { ShardStore } from "../storage/shard-store.ts";
import { SYSTEM_CLOCK } from "../system-clock.ts";
import { retryingPartition } from "./partition-stub.ts";
import { currentVersions, learnRoutingState } from "./routing-state.ts";

/**
 * A partition that says nothing for this long is taken to be gone, ms. Longer than it waits for R2 itself, so that it
 * can still serve a stale copy when R2 is slow.
 */
const PARTITION_TIMEOUT = 15_000;

/** What reading is done with: the platform's time and R2, but for tests and simulations. */
export interface EdgeReading {
  readonly timeout?: number;
  readonly clock?: Clock;
  readonly store?: ShardStore;
}

/**
 * Reads through the partition, by its `fetch`, so that bytes stream. A partition that is overloaded, gone, silent or
 * failing costs warmth, not the read: it is answered straight from R2, which is never older.
 */
export async function readFromPartition(
  env: Bindings,
  address: PartitionAddress,
  read: ReadRequest,
  { timeout = PARTITION_TIMEOUT, clock = SYSTEM_CLOCK, store }: EdgeReading = {},
): Promise<Response> {
  const response = await askPartition(env, address, read, timeout, clock);
  const reason = whyNot(response);
  if (response !== null && reason === null) return withoutNews(response);
  response?.body?.cancel().catch(() => undefined);
  const times = { start: clock.now(), now: () => clock.now() };
  const storage = store ?? resilient(new R2ShardStore(env.SHARDS));
  return (await readDirectly(storage, read, `Foreshard; fwd=bypass; detail=${reason}`, times)).response;
}

/** The partition's answer, or null when there is none. */
async function askPartition(
  env: Bindings,
  address: PartitionAddress,
  read: ReadRequest,
  timeout: number,
  clock: Clock,
): Promise<Response | null> {
  const asking = retryingPartition(env, address, (partition) =>
    partition.fetch(buildReadRequest(read, currentVersions())),
  );
  try {
    return await withTimeout(asking, timeout, clock);
  } catch {
    // What comes too late is let go of; it would hold one of the few connections.
    asking.then(
      (late) => late.body?.cancel(),
      () => undefined,
    );
    return null;
  }
}

/** The answer itself: news of topology and settings on it are for this isolate. Rarely are there any. */
function withoutNews(response: Response): Response {
  const news = response.headers.get(ROUTING_STATE_HEADER);
  if (news === null) return response;
  const state = decodeRoutingState(news);
  if (state !== null) learnRoutingState(state);
  const answer = new Response(response.body, response);
  answer.headers.delete(ROUTING_STATE_HEADER);
  return answer;
}

/** Why this is not the partition's own answer to the read; null when it is. */
function whyNot(response: Response | null): string | null {
  if (response === null) return "partition-unavailable";
  // A partition answers 503 when R2 fails; 500 means that it failed itself.
  if (response.status === 500) return "partition-failed";
  return response.headers.get(READ_DIRECTLY_HEADER);
}
