import {
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  getQueueResult,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { consumeChanges } from "../../src/queues/changes.ts";
import { consumeDead } from "../../src/queues/dead.ts";
import { consumeEvents } from "../../src/queues/events.ts";
import { consumePrefetches } from "../../src/queues/prefetch.ts";
import { coordinator, eventually, partition, put, read, status } from "./support.ts";

const SEED = 4_711;
const CONSUMERS = {
  "foreshard-events": consumeEvents,
  "foreshard-prefetch": consumePrefetches,
  "foreshard-changes": consumeChanges,
  "foreshard-dead": consumeDead,
} as const;

/** Messages that look right here and there. */
const anyMessage = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      partition: fc.oneof(fc.constantFrom("g1:weur:0", "g1:moon:0", "g0:weur:0", "../x"), fc.jsonValue()),
      region: fc.oneof(fc.constant("weur"), fc.jsonValue()),
      incarnation: fc.oneof(fc.nat(), fc.jsonValue()),
      sequence: fc.oneof(fc.nat(), fc.jsonValue()),
      time: fc.oneof(fc.maxSafeNat(), fc.jsonValue()),
      reason: fc.constantFrom("predicted", "placement", "because"),
      prefetches: fc.array(fc.oneof(fc.jsonValue(), fc.record({ shard: fc.string(), expires: fc.nat() }))),
      shard: fc.oneof(fc.constantFrom("a/b", "../x", ""), fc.jsonValue()),
      etag: fc.oneof(fc.string(), fc.jsonValue()),
      uploaded: fc.oneof(fc.nat(), fc.jsonValue()),
    },
    { requiredKeys: [] },
  ),
);

describe("bad queue messages", () => {
  it.each(Object.entries(CONSUMERS))("on %s never stop it: each is settled", async (queue, consume) => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyMessage, { minLength: 1, maxLength: 5 }), async (bodies) => {
        const messages = bodies.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body }));
        const batch = createMessageBatch(queue, messages);
        await consume(batch, env);
        const { explicitAcks, retryMessages, ackAll } = await getQueueResult(batch, createExecutionContext());
        if (!ackAll) expect(explicitAcks.length + retryMessages.length).toBe(messages.length);
      }),
      { numRuns: 60, seed: SEED },
    );
    expect((await coordinator().overview()).deadLetters.length).toBeGreaterThan(0);
  });
});

describe("damaged rows of a partition", () => {
  const TEXT = "intact bytes, many of them; ".repeat(200);

  beforeAll(async () => {
    await put("d/copy", TEXT, { "Cache-Control": "max-age=3600" });
    await eventually(async () => ((await read("d/copy")).cache === "Foreshard; hit" ? true : null));
  });

  /** Sees to it that the copy is on disk. */
  const storeCopy = () =>
    eventually(async () => {
      await read("d/copy");
      await runInDurableObject(partition(), (object) => object.alarm());
      return (await status()).disk.shards > 0 ? true : null;
    });

  it.each([0, 1, 77, 2_000, 5_599])(
    "with a bit flipped at byte %i are noticed and read from R2",
    async (at) => {
      await storeCopy();
      await runInDurableObject(partition(), (_object, state) => {
        const [row] = state.storage.sql.exec("SELECT copy, data FROM chunks WHERE position = 0").toArray();
        const data = row?.data instanceof ArrayBuffer ? new Uint8Array(row.data) : new Uint8Array();
        data[at] = (data[at] ?? 0) ^ (1 << (at % 8));
        state.storage.sql.exec("UPDATE chunks SET data = ? WHERE position = 0", data.buffer);
      });
      await evictDurableObject(partition());
      expect((await read("d/copy")).text).toBe(TEXT);
      expect((await status()).disk.corrupt).toBe(1);
    },
  );

  it.each([
    ["meta that is no JSON", "UPDATE copies SET meta = '{'"],
    ["meta of another shape", "UPDATE copies SET meta = '{\"etag\": 7}'"],
    ["a digest of the wrong length", "UPDATE copies SET sha256 = x'00'"],
    ["a wrong size", "UPDATE copies SET size = 3"],
    ["no chunks", "DELETE FROM chunks"],
    ["half a chunk", "UPDATE chunks SET data = substr(data, 1, length(data) / 2)"],
    ["settings of another shape", "INSERT OR REPLACE INTO documents VALUES ('settings', '[1,2]')"],
  ])("with %s do not stop it", async (_name, statement) => {
    await storeCopy();
    await runInDurableObject(partition(), (_object, state) => {
      state.storage.sql.exec(statement);
    });
    await evictDurableObject(partition());
    const got = await read("d/copy");
    expect([got.status, got.text]).toEqual([200, TEXT]);
    expect(got.cache).not.toContain("bypass");
  });
});

describe("a damaged model of the coordinator", () => {
  it.each([
    ["cut to half", "UPDATE blobs SET data = substr(data, 1, length(data) / 2)"],
    ["empty", "UPDATE blobs SET data = x''"],
    ["without its checksum", "UPDATE blobs SET data = substr(data, 12)"],
    ["no longer text", "UPDATE blobs SET data = x'ff00ff00ff'"],
  ])("%s is told, and learning starts anew", async (_name, statement) => {
    await coordinator().forget();
    await runInDurableObject(coordinator(), (object, state) => {
      object.alarm();
      expect(state.storage.sql.exec("SELECT count(*) AS n FROM blobs").one().n).toBeGreaterThan(0);
      state.storage.sql.exec(statement);
    });
    await evictDurableObject(coordinator());
    expect((await coordinator().overview()).learnedStateWasDamaged).toBe(true);
    expect((await read("d/copy")).status).toBe(200);
  });
});
