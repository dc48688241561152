import { z } from "zod";
import type { Bindings } from "../bindings.ts";
import { type ChangeMessage, changeMessageSchema } from "../contract/messages.ts";
import { r2NotificationSchema } from "../contract/r2-notification.ts";
import { parsePartitionName } from "../core/routing/route.ts";
import { partitionStub } from "../edge/partition-stub.ts";
import { parseBatch, retryDelay } from "./consume.ts";
import { recordDeadLetters } from "./dead.ts";

/**
 * Queue `changes`: every partition that may serve a copy unasked drops it. Idempotent, so at least once is enough;
 * R2's own event notifications come here too, for writes made elsewhere. Partitions without a lease ask R2 before they serve anything, and are left asleep.
 */
export async function consumeChanges(batch: MessageBatch, env: Bindings): Promise<void> {
  const { good, invalid } = parseBatch(batch, z.union([changeMessageSchema, r2NotificationSchema]));
  await recordDeadLetters(env, batch.queue, invalid);
  if (good.length === 0) return;
  const delivered = await invalidateEverywhere(
    env,
    good.map(({ body }) => body),
  ).catch(() => false);
  for (const { message } of good) {
    if (delivered) message.ack();
    else message.retry(retryDelay(message.attempts));
  }
}

/** Tells all registered partitions; false when one could not be told. */
async function invalidateEverywhere(env: Bindings, changes: readonly ChangeMessage[]): Promise<boolean> {
  const members = await env.COORDINATOR.getByName("main").leasedMembers();
  const outcomes = await Promise.allSettled(
    members.map(async (name) => {
      const address = parsePartitionName(name);
      const theirs = changes.filter(({ except }) => except !== name);
      if (address !== null && theirs.length > 0) await partitionStub(env, address).invalidate(theirs);
    }),
  );
  return outcomes.every(({ status }) => status === "fulfilled");
}
