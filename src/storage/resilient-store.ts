import pRetry from "p-retry";
import { type ShardStore, StorageUnavailableError } from "./shard-store.ts";

/** Tries of a read before it is given up: what is slow or throttled for a moment is met by the second. */
const READ_RETRIES = 2;
/** First pause between tries, ms; doubled and jittered after that, so that many callers do not return together. */
const FIRST_PAUSE = 50;
/** A storage that says nothing for this long counts as unavailable, ms. */
const PATIENCE = 10_000;

/** The store with retries, backoff and jitter on what may be repeated, and an end to waiting on everything. */
export function resilient(store: ShardStore): ShardStore {
  return {
    get: (id, range) => repeated(() => store.get(id, range)),
    getUnless: (id, etag) => repeated(() => store.getUnless(id, etag)),
    head: (id) => repeated(() => store.head(id)),
    // A stream can be read once only, so a write is not repeated here; its caller is told to.
    put: (id, body, options) => store.put(id, body, options),
    delete: (id) => repeated(() => store.delete(id)),
    list: (options) => repeated(() => store.list(options)),
  };
}

const repeated = <T>(call: () => Promise<T>): Promise<T> =>
  pRetry(() => impatient(call()), {
    retries: READ_RETRIES,
    minTimeout: FIRST_PAUSE,
    randomize: true,
    shouldRetry: ({ error }) => error instanceof StorageUnavailableError,
  });

async function impatient<T>(call: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StorageUnavailableError("the storage is too slow")), PATIENCE);
  });
  try {
    return await Promise.race([call, timeout]);
  } finally {
    if (timer !== undefined) clearTimeout(timer);
  }
}
