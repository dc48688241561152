import { z } from "zod";
import { topologySchema } from "../../src/contract/routing-state.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";

/** The key of the memo. */
export const MEMO = "memo";

const memoSchema = z.object({
  /** Null for one that an earlier version stored: as if there were no lease, until the next heartbeat. */
  lease: z.object({ until: z.number(), at: z.number(), completeFrom: z.number() }).nullable().catch(null),
  /** Which slots there are, so that a partition that comes back knows which users and shards are its own. */
  topology: topologySchema.optional().catch(undefined),
});

/** What outlives a partition's memory besides its copies, settings and mind: its lease, stored with each heartbeat. */
export type Memo = z.infer<typeof memoSchema>;

export function loadMemo({ kv }: NodeStorage): Memo | null {
  const parsed = memoSchema.safeParse(kv.get(MEMO));
  return parsed.success ? parsed.data : null;
}
