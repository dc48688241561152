import pRetry from "p-retry";
import { type ShardStore, StorageTimeoutError, StorageUnavailableError } from "./shard-store.ts";
import { TooSlowError, within } from "./within.ts";

/** Tries after the first: what fails or is throttled for a moment is met by the second. */
const RETRIES = 2;
/** First pause between tries, ms; doubled and jittered after that, so that many callers do not return together. */
const FIRST_PAUSE = 50;
/** A storage that says nothing for this long counts as unavailable, ms. */
const PATIENCE = 10_000;
/** A write may take longer by its size at this rate, bytes a ms: a body streams in as slowly as its sender sends. */
const SLOWEST_UPLOAD = 64;

/** How long to wait for the storage, ms; the defaults but for tests. */
export interface Patience {
  readonly patience: number;
}

/**
 * The store with retries, backoff and jitter on what may be repeated, and an end to waiting on everything. What timed
 * out is not repeated: a storage in trouble is not asked thrice as much, and nobody waits for three times as long.
 */
export function resilient(store: ShardStore, { patience }: Patience = { patience: PATIENCE }): ShardStore {
  const repeated = <T>(call: () => Promise<T>): Promise<T> =>
    pRetry(() => impatient(call(), patience), {
      retries: RETRIES,
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
      impatient(store.put(id, body, options), patience + (options?.size ?? 0) / SLOWEST_UPLOAD),
    delete: (id) => repeated(() => store.delete(id)),
    list: (options) => repeated(() => store.list(options)),
  };
}

const impatient = <T>(call: Promise<T>, patience: number): Promise<T> =>
  within(call, patience).catch((error: unknown) => {
    throw error instanceof TooSlowError
      ? new StorageTimeoutError("the storage is too slow", { cause: error })
      : error;
  });
