import { z } from "zod";
import type { Bindings } from "../bindings.ts";
import { changeMessageSchema } from "../contract/messages.ts";
import { r2NotificationSchema } from "../contract/r2-notification.ts";
import type { Change } from "../core/coherence/change.ts";
import { parsePartitionName } from "../core/routing/route.ts";
import { retryingPartition } from "../edge/partition-stub.ts";
import { parseBatch, retryDelay } from "./consume.ts";
import { recordDeadLetters } from "./dead.ts";

/**
 * Queue `changes`: writes through Foreshard, and R2's own event notifications for those made elsewhere. The coordinator
 * logs them, and then they are done: who cannot be told here hears with its next heartbeat, or has no lease and asks R2.
 * A message that comes twice is logged twice, which drops no copy that is newer.
 */
export async function consumeChanges(batch: MessageBatch, env: Bindings): Promise<void> {
  const { good, invalid } = parseBatch(batch, z.union([changeMessageSchema, r2NotificationSchema]));
  await recordDeadLetters(env, batch.queue, invalid);
  if (good.length === 0) return;
  const changes = good.map(({ body }) => body);
  const logged = await announce(env, changes).then(
    () => true,
    () => false,
  );
  for (const { message } of good) {
    if (logged) message.ack();
    else message.retry(retryDelay(message.attempts));
  }
}

/** Logs changes, and tells all who may serve copies unasked. Here, so that the coordinator has no calls to wait for. */
async function announce(env: Bindings, changes: readonly Change[]): Promise<void> {
  const { logged, partitions } = await env.COORDINATOR.getByName("main").announceBounded(changes);
  await Promise.allSettled(
    partitions.map(async (name) => {
      const address = parsePartitionName(name);
      if (address !== null) await retryingPartition(env, address, (partition) => partition.hear(logged));
    }),
  );
}
