import type { z } from "zod";
import { describeZodError } from "../contract/problems.ts";

/** A queue message that no retry will mend, and why. Not settled yet. */
export interface InvalidMessage {
  readonly message: Message;
  readonly fault: string;
}

/** Messages of a batch that parse, and those that do not. Parsing is the first thing a consumer does. */
export function parseBatch<Schema extends z.ZodType>(
  batch: MessageBatch,
  schema: Schema,
): {
  readonly good: readonly { message: Message; body: z.output<Schema> }[];
  readonly invalid: readonly InvalidMessage[];
} {
  const good: { message: Message; body: z.output<Schema> }[] = [];
  const invalid: InvalidMessage[] = [];
  for (const message of batch.messages) {
    const parsed = schema.safeParse(message.body);
    if (parsed.success) good.push({ message, body: parsed.data });
    else invalid.push({ message, fault: describeZodError(parsed.error) });
  }
  return { good, invalid };
}

/** The longest pause before a failed message is tried again, seconds. */
const MAX_RETRY_DELAY = 60;

/** Delay before a failed message is tried again: doubling from one second. */
export const retryDelay = (
  attempts: number,
  longest: number = MAX_RETRY_DELAY,
): { delaySeconds: number } => ({
  delaySeconds: Math.min(longest, 2 ** Math.max(0, attempts - 1)),
});
