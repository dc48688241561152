import { UserError } from "../../simulator/user-error.ts";
import type { Instance } from "./instance.ts";
import type { PlannedRequest } from "./plan.ts";

/** Reports of what was learned wait up to two seconds in their queue: after this the last have arrived. */
const REPORTS_SETTLE_MS = 3_000;
/** How long a partition may take to register or to hear the settings. */
const TIMEOUT_MS = 10_000;
const POLL_MS = 100;

/**
 * Makes the instance start from nothing cached or learned, with all its partitions at these settings: reads once so
 * that a new instance has a partition, forgets, lets reports of earlier activity come in, and forgets those too.
 */
export async function startEmpty(
  instance: Instance,
  first: PlannedRequest,
  settingsVersion: number,
  signal: AbortSignal,
): Promise<void> {
  await instance.read(first);
  await until(async () => (await instance.partitions()).length > 0, "registered");
  await instance.forget();
  signal.throwIfAborted();
  await pause(REPORTS_SETTLE_MS);
  await instance.forget();
  await until(async () => {
    const partitions = await instance.partitions();
    return partitions.every(
      (partition) => !partition.available || partition.settingsVersion === settingsVersion,
    );
  }, "took the settings");
}

/** Sum of the storage reads of all partitions since they were told to forget, by partition. */
export async function storageReadsByPartition(instance: Instance): Promise<ReadonlyMap<string, number>> {
  const partitions = await instance.partitions();
  return new Map(partitions.map(({ partition, counts }) => [partition, counts?.storageReads ?? 0]));
}

/** Storage reads between two looks; a partition that was loaded anew meanwhile counts from nothing. */
export function storageReadsBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number {
  let sum = 0;
  for (const [partition, reads] of after) {
    const earlier = before.get(partition) ?? 0;
    sum += reads >= earlier ? reads - earlier : reads;
  }
  return sum;
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + TIMEOUT_MS;
  while (!(await holds())) {
    if (Date.now() > end)
      throw new UserError(
        `No partition ${what} within ${TIMEOUT_MS / 1_000} seconds. Restart Foreshard and try again.`,
      );
    await pause(POLL_MS);
  }
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
