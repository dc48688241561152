import type { Env } from "../env.ts";
import type { Poison } from "./consume.ts";

/** Keeps messages that no retry will mend where people can see them: the admin API. */
export async function bury(env: Env, queue: string, poison: readonly Poison[]): Promise<void> {
  if (poison.length === 0) return;
  await env.COORDINATOR.getByName("main").recordDeadLetters(poison.map((letter) => ({ queue, ...letter })));
}

/** Queue `dead`: messages whose retries were used up. */
export async function consumeDead(batch: MessageBatch, env: Env): Promise<void> {
  await bury(
    env,
    batch.queue,
    batch.messages.map(({ body }) => ({ fault: "all retries failed", body: JSON.stringify(body) ?? "" })),
  );
  batch.ackAll();
}
