import {
  MAX_MESSAGE_BYTES,
  MAX_PREFETCH_KEYS,
  type PlannedPrefetch,
  type PrefetchMessage,
} from "../../src/contract/messages.ts";
import type { PrefetchReason } from "../../src/core/prefetch/prefetch.ts";

/** A message for the queue `prefetch`, and how long it is held back. */
export interface QueuedPrefetch {
  readonly body: PrefetchMessage;
  readonly delaySeconds?: number;
}

/** What one `sendBatch` takes: messages, and their bytes (256 KB, less the envelopes). */
const MAX_BATCH_MESSAGES = 100;
const MAX_BATCH_BYTES = 240_000;
/** Bytes of a message besides its prefetches. */
const ENVELOPE_BYTES = 200;

const encoder = new TextEncoder();
const bytesOf = (value: unknown): number => encoder.encode(JSON.stringify(value)).length + 1;

/** The messages that bring a partition these prefetches: none has more keys or bytes than a message may. */
export function messagesFor(
  partition: string,
  reason: PrefetchReason,
  prefetches: readonly PlannedPrefetch[],
  delaySeconds = 0,
): readonly QueuedPrefetch[] {
  return grouped(prefetches, MAX_PREFETCH_KEYS, MAX_MESSAGE_BYTES - ENVELOPE_BYTES).map((group) => ({
    body: { partition, reason, prefetches: group },
    delaySeconds,
  }));
}

/**
 * Sends messages in as few batches as the queue allows.
 * @throws what the queue throws; what was sent before is sent, and sending it again is harmless.
 */
export async function sendPrefetches(
  messages: readonly QueuedPrefetch[],
  sendBatch: (batch: readonly QueuedPrefetch[]) => Promise<unknown>,
): Promise<void> {
  for (const batch of grouped(messages, MAX_BATCH_MESSAGES, MAX_BATCH_BYTES)) await sendBatch(batch);
}

/** Splits a list into runs of at most so many items and so many bytes as JSON. O(bytes). */
function grouped<T>(items: readonly T[], maxItems: number, maxBytes: number): T[][] {
  const groups: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    const last = groups.at(-1);
    if (last === undefined || last.length === maxItems || bytes + size > maxBytes) {
      groups.push([item]);
      bytes = size;
    } else {
      last.push(item);
      bytes += size;
    }
  }
  return groups;
}
