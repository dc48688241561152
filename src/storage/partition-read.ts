import { buildReadRequest, READ_DIRECTLY_HEADER, type ReadRequest } from "../contract/partition-protocol.ts";
import type { PartitionAddress } from "../core/routing/route.ts";
import type { Env } from "../env.ts";
import { readDirectly } from "./direct-read.ts";
import { retryingPartition } from "./partition-stub.ts";
import { R2ShardStore } from "./r2-shard-store.ts";
import { resilient } from "./resilient-store.ts";

/**
 * Reads through the partition, by its `fetch`, so that bytes stream. A partition that is overloaded, gone or failing
 * costs warmth, not the read: it is answered straight from R2, which is never older.
 */
export async function readFromPartition(
  env: Env,
  address: PartitionAddress,
  read: ReadRequest,
): Promise<Response> {
  const response = await retryingPartition(env, address, (partition) =>
    partition.fetch(buildReadRequest(read)),
  ).catch(() => null);
  const reason = response === null ? "partition-unavailable" : response.headers.get(READ_DIRECTLY_HEADER);
  if (response !== null && reason === null) return response;
  const start = Date.now();
  const store = resilient(new R2ShardStore(env.SHARDS));
  const status = `Foreshard; fwd=bypass; detail=${reason}`;
  return (await readDirectly(store, read, status, () => Date.now() - start)).response;
}
