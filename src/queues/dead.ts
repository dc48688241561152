import type { Bindings } from "../bindings.ts";
import { type InvalidMessage, retryDelay } from "./consume.ts";

/** The longest pause before a dead letter is brought again, seconds: with a hundred tries it waits for nearly a day. */
const MAX_DEAD_DELAY = 900;

/**
 * Keeps messages that no retry will mend where people can see them: the admin API. A message is acknowledged when its
 * letter is stored and not before; while the coordinator is away it comes again.
 */
export async function recordDeadLetters(
  env: Bindings,
  queue: string,
  invalid: readonly InvalidMessage[],
): Promise<void> {
  if (invalid.length === 0) return;
  try {
    await env.COORDINATOR.getByName("main").recordDeadLetters(
      invalid.map(({ message, fault }) => ({ queue, fault, body: JSON.stringify(message.body) ?? "" })),
    );
    for (const { message } of invalid) message.ack();
  } catch {
    for (const { message } of invalid) message.retry(retryDelay(message.attempts, MAX_DEAD_DELAY));
  }
}

/** Queue `dead`: messages whose retries were used up. */
export const consumeDead = (batch: MessageBatch, env: Bindings): Promise<void> =>
  recordDeadLetters(
    env,
    batch.queue,
    batch.messages.map((message) => ({ message, fault: "all retries failed" })),
  );
