import type { ReadRequest } from "../contract/partition-protocol.ts";
import { ProblemError } from "../contract/problems.ts";
import type { OpenShard, ShardMeta, ShardStore } from "../storage/shard-store.ts";
import { type AnswerTimes, buildResponse, decideAnswer } from "./shard-response.ts";

/** A read answered by the storage itself. */
export interface DirectRead {
  readonly response: Response;
  readonly meta: ShardMeta;
}

/** When a read came in, and the time since. In ms since the epoch. */
export interface ReadClock {
  readonly start: number;
  readonly now: () => number;
}

/** Versions tried when a shard is overwritten between asking for its size and opening its range. */
const MAX_TRIES = 3;

/** How to say that there is no such shard. */
export const shardNotFound = (id: string, cacheStatus: string): ProblemError =>
  new ProblemError("shard-not-found", `No shard is stored under "${id}". Store one with PUT /shards/{id}.`, {
    "Cache-Status": cacheStatus,
  });

/**
 * Answers a read from the storage, streaming: strongly consistent, nothing held. One storage read for a whole
 * shard, two for a range. `opened` is used instead of a first read where it is at hand.
 * @throws ProblemError as the contract says; StorageUnavailableError when the storage does not answer.
 */
export async function readDirectly(
  store: ShardStore,
  read: ReadRequest,
  cacheStatus: string,
  clock: ReadClock,
  opened: OpenShard | null = null,
): Promise<DirectRead> {
  if (read.method === "HEAD")
    return answered(read, await headOf(store, read, cacheStatus), null, cacheStatus, clock);
  if (read.range === undefined) {
    const open = opened ?? (await store.get(read.id));
    if (open === null) throw shardNotFound(read.id, cacheStatus);
    return answered(read, open.meta, open, cacheStatus, clock);
  }
  discard(opened);
  return readRange(store, read, cacheStatus, clock);
}

async function readRange(
  store: ShardStore,
  read: ReadRequest,
  cacheStatus: string,
  clock: ReadClock,
): Promise<DirectRead> {
  for (let tries = 1; ; tries++) {
    const meta = await headOf(store, read, cacheStatus);
    const answer = decideAnswer(read, meta, cacheStatus, timesOf(clock));
    if (answer.status === 304) return answered(read, meta, null, cacheStatus, clock);
    const open = await store.get(read.id, answer.status === 206 ? answer.part : undefined);
    if (open === null) throw shardNotFound(read.id, cacheStatus);
    // Overwritten in between: the range was decided for another version.
    if (open.meta.version === meta.version) return answered(read, meta, open, cacheStatus, clock);
    discard(open);
    if (tries === MAX_TRIES)
      throw new ProblemError(
        "overloaded",
        "The shard is being overwritten too fast to read a range of it; try again.",
        {
          "Retry-After": "1",
        },
      );
  }
}

async function headOf(store: ShardStore, read: ReadRequest, cacheStatus: string): Promise<ShardMeta> {
  const meta = await store.head(read.id);
  if (meta === null) throw shardNotFound(read.id, cacheStatus);
  return meta;
}

function answered(
  read: ReadRequest,
  meta: ShardMeta,
  open: OpenShard | null,
  cacheStatus: string,
  clock: ReadClock,
): DirectRead {
  try {
    const times = timesOf(clock);
    const answer = decideAnswer(read, meta, cacheStatus, times);
    if (answer.status === 304) discard(open);
    return { meta, response: buildResponse(answer, meta, open?.body ?? null, cacheStatus, times) };
  } catch (error) {
    discard(open);
    throw error;
  }
}

/** The storage itself answers: nothing served here has an age. */
const timesOf = ({ start, now }: ReadClock): AnswerTimes => ({ start, now: now(), validatedAt: null });

/** Lets go of a body nobody will read; it would hold one of the few connections. */
export function discard(open: OpenShard | null): void {
  open?.body.cancel().catch(() => undefined);
}
