import type { Bindings } from "../bindings.ts";
import { reportSchema } from "../contract/messages.ts";
import { parseBatch, retryDelay } from "./consume.ts";
import { recordDeadLetters } from "./dead.ts";

/** Queue `events`: reports of partitions, merged by the coordinator, each once. */
export async function consumeEvents(batch: MessageBatch, env: Bindings): Promise<void> {
  const { good, invalid } = parseBatch(batch, reportSchema);
  await recordDeadLetters(env, batch.queue, invalid);
  if (good.length === 0) return;
  try {
    await env.COORDINATOR.getByName("main").applyReports(good.map(({ body }) => body));
    for (const { message } of good) message.ack();
  } catch {
    // Redelivery is harmless: the coordinator applies each report once.
    for (const { message } of good) message.retry(retryDelay(message.attempts));
  }
}
