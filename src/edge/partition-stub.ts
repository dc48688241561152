import pRetry from "p-retry";
import type { Bindings } from "../bindings.ts";
import type { PartitionAddress } from "../core/routing/route.ts";

/** Tries after the first; an object that moves or restarts is back within a moment. */
const RETRIES = 2;
/** First pause between tries, ms; doubled and jittered. */
const FIRST_PAUSE = 50;

/** The stub of a partition. The hint goes with every call, since only the first one places the object. */
export const partitionStub = (env: Bindings, { name, region }: PartitionAddress) =>
  env.PARTITION.get(env.PARTITION.idFromName(name), { locationHint: region });

/** Calls a partition, again on a new stub where the platform says that this may help. For idempotent calls. */
export function retryingPartition<T>(
  env: Bindings,
  address: PartitionAddress,
  call: (partition: ReturnType<typeof partitionStub>) => Promise<T>,
): Promise<T> {
  return pRetry(() => call(partitionStub(env, address)), {
    retries: RETRIES,
    minTimeout: FIRST_PAUSE,
    randomize: true,
    shouldRetry: ({ error }) => isRetryable(error),
  });
}

/** Errors of the platform say whether another try is worth it; an overloaded object is left alone. */
const isRetryable = (error: unknown): boolean => flag(error, "retryable") && !flag(error, "overloaded");

const flag = (error: unknown, name: string): boolean =>
  typeof error === "object" && error !== null && Reflect.get(error, name) === true;
