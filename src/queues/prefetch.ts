import { prefetchMessageSchema } from "../contract/messages.ts";
import { parsePartitionName } from "../core/routing/route.ts";
import type { Env } from "../env.ts";
import { partitionStub } from "../storage/partition-stub.ts";
import { retryDelay, sortOut } from "./consume.ts";
import { bury } from "./dead.ts";

/** Queue `prefetch`: shards a partition should fetch ahead. What expired on the way is dropped. */
export async function consumePrefetches(batch: MessageBatch, env: Env): Promise<void> {
  const { good, poison } = sortOut(batch, prefetchMessageSchema);
  await bury(env, batch.queue, poison);
  for (const { message, body } of good) {
    const address = parsePartitionName(body.partition);
    const due = body.prefetches.filter(({ expires }) => expires > Date.now());
    if (address === null || due.length === 0) {
      message.ack();
      continue;
    }
    try {
      await partitionStub(env, address).prefetch(due, body.reason);
      message.ack();
    } catch {
      message.retry(retryDelay(message.attempts));
    }
  }
}
