import type { z } from "zod";

/** A queue message that does not parse: no retry will mend it. */
export interface InvalidMessage {
  readonly fault: string;
  readonly body: string;
}

/** Messages of a batch that parse, and those that do not. Parsing is the first thing a consumer does. */
export function parseBatch<Schema extends z.ZodType>(
  batch: MessageBatch,
  schema: Schema,
): {
  readonly good: readonly { message: Message; body: z.output<Schema> }[];
  readonly poison: readonly InvalidMessage[];
} {
  const good: { message: Message; body: z.output<Schema> }[] = [];
  const poison: InvalidMessage[] = [];
  for (const message of batch.messages) {
    const parsed = schema.safeParse(message.body);
    if (parsed.success) {
      good.push({ message, body: parsed.data });
      continue;
    }
    const [issue] = parsed.error.issues;
    poison.push({
      fault: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not valid"}`,
      body: JSON.stringify(message.body) ?? "",
    });
    message.ack();
  }
  return { good, poison };
}

/** Delay before a failed message is tried again: doubling from one second, at most a minute. */
export const retryDelay = (attempts: number): { delaySeconds: number } => ({
  delaySeconds: Math.min(60, 2 ** Math.max(0, attempts - 1)),
});
