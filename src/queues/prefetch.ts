import type { Bindings } from "../bindings.ts";
import { prefetchMessageSchema } from "../contract/messages.ts";
import { parsePartitionName } from "../core/routing/route.ts";
import { partitionStub } from "../edge/partition-stub.ts";
import { parseBatch, retryDelay } from "./consume.ts";
import { recordDeadLetters } from "./dead.ts";

/** Times a message is put off by a full partition before it is dropped: by then it is late, and no dead letter. */
const MAX_PUT_OFF = 1;

/** Queue `prefetch`: shards a partition should fetch ahead. What expired on the way is dropped. */
export async function consumePrefetches(
  batch: MessageBatch,
  env: Bindings,
  now: () => number = Date.now,
): Promise<void> {
  const { good, invalid } = parseBatch(batch, prefetchMessageSchema);
  await recordDeadLetters(env, batch.queue, invalid);
  for (const { message, body } of good) {
    const address = parsePartitionName(body.partition);
    const due = body.prefetches.filter(({ expires }) => expires > now());
    if (address === null || due.length === 0) {
      message.ack();
      continue;
    }
    try {
      // A full prefetch queue is back-pressure: later, if it is not too late by then.
      if (await partitionStub(env, address).prefetch(due, body.reason)) message.ack();
      else if (message.attempts > MAX_PUT_OFF) message.ack();
      else message.retry(retryDelay(message.attempts + 2));
    } catch {
      message.retry(retryDelay(message.attempts));
    }
  }
}
