import type { PartitionAddress } from "../core/routing/route.ts";
import type { Env } from "../env.ts";

/** The stub of a partition. The hint goes with every call, since only the first one places the object. */
export const partitionStub = (env: Env, { name, region }: PartitionAddress) =>
  env.PARTITION.get(env.PARTITION.idFromName(name), { locationHint: region });
