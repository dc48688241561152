import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { Bindings } from "../../src/bindings.ts";
import { consumeChanges } from "../../src/queues/changes.ts";
import { consumeDead } from "../../src/queues/dead.ts";
import { consumeEvents } from "../../src/queues/events.ts";
import { consumePrefetches } from "../../src/queues/prefetch.ts";
import { faultyNamespace, platformError } from "./faulty.ts";
import { coordinator } from "./support.ts";

const gone = () => Promise.reject(platformError("the object is gone", {}));
const CONSUMERS = {
  "foreshard-events": consumeEvents,
  "foreshard-prefetch": consumePrefetches,
  "foreshard-changes": consumeChanges,
  "foreshard-dead": consumeDead,
} as const;

async function consumed(
  queue: keyof typeof CONSUMERS,
  bodies: Readonly<Record<string, unknown>>,
  bindings: Partial<Bindings> = {},
  attempts = 1,
) {
  const messages = Object.entries(bodies).map(([id, body]) => ({
    id,
    timestamp: new Date(),
    attempts,
    body,
  }));
  const batch = createMessageBatch(queue, messages);
  const retries = batch.messages.map((message) => vi.spyOn(message, "retry"));
  await CONSUMERS[queue](batch, { ...env, ...bindings });
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  return {
    acknowledged: explicitAcks,
    retried: retryMessages.map(({ msgId }) => msgId),
    delays: retries.flatMap(({ mock }) => mock.calls.map(([options]) => options?.delaySeconds)),
  };
}

const letters = async () => (await coordinator().overview()).deadLetters;

describe.each(Object.keys(CONSUMERS) as (keyof typeof CONSUMERS)[])(
  "a message on %s that nobody can use",
  (queue) => {
    it("stays on the queue while its dead letter cannot be stored, and comes again later", async () => {
      const { namespace } = faultyNamespace("COORDINATOR", gone);
      const before = await letters();
      const { acknowledged, retried, delays } = await consumed(
        queue,
        { bad: "poison" },
        { COORDINATOR: namespace },
        4,
      );
      expect(acknowledged).toEqual([]);
      expect([retried, delays]).toEqual([["bad"], [8]]);
      expect(await letters()).toEqual(before);
    });

    it("is acknowledged once its dead letter is stored", async () => {
      const before = await letters();
      expect(await consumed(queue, { bad: `poison of ${queue}` })).toEqual({
        acknowledged: ["bad"],
        retried: [],
        delays: [],
      });
      const [letter] = await letters();
      expect((await letters()).length).toBe(before.length + 1);
      expect(letter).toMatchObject({ queue, body: `"poison of ${queue}"` });
    });
  },
);

it("the others of its batch do not wait for a dead letter that cannot be stored", async () => {
  const { namespace } = faultyNamespace("COORDINATOR", gone, 1);
  const expired = { shard: "q/1", probability: 1, arrival: 1, expires: 2 };
  const bodies = {
    bad: "poison",
    good: { partition: "g1:weur:0", reason: "predicted", prefetches: [expired] },
  };
  const result = await consumed("foreshard-prefetch", bodies, { COORDINATOR: namespace });
  expect(result).toEqual({ acknowledged: ["good"], retried: ["bad"], delays: [1] });
});

it("a dead letter names every fault of its message", async () => {
  await consumed("foreshard-prefetch", { bad: { partition: "nowhere", reason: "because", prefetches: [] } });
  const [letter] = await letters();
  for (const field of ["partition: ", "reason: ", "prefetches: "]) expect(letter?.fault).toContain(field);
});
