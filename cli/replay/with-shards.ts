import type { Progress } from "../progress.ts";
import type { Instance } from "./instance.ts";
import type { ReplayPlan } from "./plan.ts";
import { withCleanup } from "./with-cleanup.ts";

/** Writes under way at once: a local instance has one thread to take them. */
const CONCURRENCY = 8;

/** What a replay has to store before it begins. */
export interface MissingShards {
  /** Id and size of each shard that is not there with its size. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly bytes: number;
  /** Those that are not there at all: the replay's own. */
  readonly own: readonly string[];
}

/** How shards are stored and what becomes of them. */
export interface StoringOptions {
  /** Leave them there. */
  readonly keep: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Compares what a plan needs with what is there. */
export function missingShards(plan: ReplayPlan, stored: ReadonlyMap<string, number>): MissingShards {
  const missing = [...plan.shards].filter(([id, size]) => stored.get(id) !== size);
  return {
    sizes: new Map(missing),
    bytes: missing.reduce((sum, [, size]) => sum + size, 0),
    own: missing.map(([id]) => id).filter((id) => !stored.has(id)),
  };
}

/**
 * Stores shards, does something with them, and deletes those that were not there before, however it ends.
 * @throws UserError that says what is left when they cannot be deleted.
 */
export async function withShards<Result>(
  instance: Pick<Instance, "store" | "delete">,
  missing: MissingShards,
  { keep, progress, signal }: StoringOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const begun = new Set<string>();
  const filling = pattern(Math.max(0, ...missing.sizes.values()));
  return withCleanup(
    async () => {
      await each("storing shards", [...missing.sizes.keys()], progress, async (id) => {
        signal.throwIfAborted();
        begun.add(id); // Before the answer: one that is lost may have been stored.
        await instance.store(id, filling.subarray(0, missing.sizes.get(id)));
      });
      return work();
    },
    async () => {
      if (keep) return;
      const own = missing.own.filter((id) => begun.has(id));
      await each("deleting shards", own, progress, (id) => instance.delete(id));
    },
    (why) =>
      `Shards of the replay are still stored (${why}). Delete what GET /shards?prefix=replay/ lists, or leave them ` +
      "to the next replay of the same file, which uses them.",
  );
}

/** Does something with each id, several at a time; those under way end before a failure is passed on. */
async function each(
  what: string,
  ids: readonly string[],
  progress: Progress,
  act: (id: string) => Promise<void>,
): Promise<void> {
  if (ids.length === 0) return;
  const waiting = ids.values();
  let done = 0;
  progress.start(what, ids.length);
  const workers = Array.from({ length: CONCURRENCY }, async () => {
    for (const id of waiting) {
      await act(id);
      progress.at(++done);
    }
  });
  const ends = await Promise.allSettled(workers);
  progress.stop();
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** Bytes that do not compress to nothing, the same in every replay. */
function pattern(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  // A multiplicative congruential step (Park & Miller 1988).
  for (let i = 0, state = 1; i < size; i++) {
    state = (state * 48_271) % 2_147_483_647;
    bytes[i] = state;
  }
  return bytes;
}
