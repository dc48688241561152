import type { Bindings } from "../bindings.ts";
import type { InvalidMessage } from "./consume.ts";

/** Keeps messages that no retry will mend where people can see them: the admin API. */
export async function recordDeadLetters(
  env: Bindings,
  queue: string,
  poison: readonly InvalidMessage[],
): Promise<void> {
  if (poison.length === 0) return;
  await env.COORDINATOR.getByName("main").recordDeadLetters(poison.map((letter) => ({ queue, ...letter })));
}

/** Queue `dead`: messages whose retries were used up. */
export async function consumeDead(batch: MessageBatch, env: Bindings): Promise<void> {
  await recordDeadLetters(
    env,
    batch.queue,
    batch.messages.map(({ body }) => ({ fault: "all retries failed", body: JSON.stringify(body) ?? "" })),
  );
  batch.ackAll();
}
