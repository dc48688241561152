import pRetry from "p-retry";
import { type Clock, TimeoutError, withTimeout } from "../core/clock.ts";
import { SYSTEM_CLOCK } from "../system-clock.ts";
import { type ShardStore, StorageTimeoutError, StorageUnavailableError } from "./shard-store.ts";

/** Tries after the first: what fails or is throttled for a moment is met by the second. */
const RETRIES = 2;
/** First pause between tries, ms; doubled and jittered after that, so that many callers do not return together. */
const FIRST_PAUSE = 50;
/** A storage that says nothing for this long counts as unavailable, ms. */
const STORAGE_TIMEOUT = 10_000;
/** A write may take longer by its size at this rate, bytes a ms: a body streams in as slowly as its sender sends. */
const MIN_UPLOAD_RATE = 64;

/** What waiting is measured by: the platform's time, and the usual end of it, but for tests. */
export interface Waiting {
  readonly timeout?: number;
  readonly clock?: Clock;
  /** Tries after the first. Pauses between them are of the platform's time, whatever the clock. */
  readonly retries?: number;
}

/**
 * The store with retries, backoff and jitter on what may be repeated, and an end to waiting on everything. What timed
 * out is not repeated: a storage in trouble is not asked thrice as much, and nobody waits for three times as long.
 */
export function resilient(
  store: ShardStore,
  { timeout = STORAGE_TIMEOUT, clock = SYSTEM_CLOCK, retries = RETRIES }: Waiting = {},
): ShardStore {
  const repeated = <T>(call: () => Promise<T>): Promise<T> =>
    pRetry(() => timedOut(call(), timeout, clock), {
      retries,
      minTimeout: FIRST_PAUSE,
      randomize: true,
      shouldRetry: ({ error }) =>
        error instanceof StorageUnavailableError && !(error instanceof StorageTimeoutError),
    });
  return {
    get: (id, range) => repeated(() => store.get(id, range)),
    getUnless: (id, etag) => repeated(() => store.getUnless(id, etag)),
    head: (id) => repeated(() => store.head(id)),
    // A stream can be read once only, and a write that comes late could undo another's: its caller is told to repeat.
    put: (id, body, options) =>
      timedOut(store.put(id, body, options), timeout + (options?.size ?? 0) / MIN_UPLOAD_RATE, clock),
    delete: (id) => repeated(() => store.delete(id)),
    list: (options) => repeated(() => store.list(options)),
  };
}

const timedOut = <T>(call: Promise<T>, timeout: number, clock: Clock): Promise<T> =>
  withTimeout(call, timeout, clock).catch((error: unknown) => {
    throw error instanceof TimeoutError
      ? new StorageTimeoutError("the storage is too slow", { cause: error })
      : error;
  });
