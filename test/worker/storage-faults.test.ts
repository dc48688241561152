import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { MAX_IN_FLIGHT } from "../../durable-objects/partition/reader.ts";
import { resilient } from "../../src/storage/resilient-store.ts";
import {
  type ShardStore,
  StorageThrottledError,
  StorageTimeoutError,
  StorageUnavailableError,
} from "../../src/storage/shard-store.ts";
import { breakR2, R2_FAILED, R2_THROTTLED } from "./faulty.ts";
import { call, eventually, partition, problem, put, read } from "./support.ts";

let broken: ReturnType<typeof breakR2> | undefined;
afterEach(() => {
  broken?.mend();
  broken = undefined;
});

const NO_CACHE = { headers: { "Cache-Control": "no-cache" } };
const breaking = (...[failing]: Parameters<typeof breakR2>) => {
  broken = breakR2(failing);
  return broken.calls;
};

describe("R2 failing", () => {
  it("for a moment is asked again, and the reader notices nothing", async () => {
    await put("f/moment", "bytes");
    const calls = breaking((_operation, _key, number) => (number <= 2 ? new Error(R2_FAILED) : null));
    const got = await read("f/moment", NO_CACHE);
    expect([got.status, got.text]).toEqual([200, "bytes"]);
    expect(calls.length).toBe(3);
  });

  it("for longer is answered 503 with Retry-After after three tries, where no copy is held", async () => {
    await put("f/longer", "bytes");
    const calls = breaking(() => new Error(R2_FAILED));
    const response = await call("/shards/f/longer");
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "1"]);
    expect((await problem(response)).type).toBe("/docs#problem-storage-unavailable");
    expect(calls).toEqual(["get", "get", "get"]);
  });

  it("is not noticed by those whose shard is held, and a stale copy is served while it lasts", async () => {
    await put("f/stale", "bytes", { "Cache-Control": "max-age=1" });
    await eventually(async () => ((await read("f/stale")).cache === "Foreshard; hit" ? true : null));
    breaking(() => new Error(R2_FAILED));
    expect((await read("f/stale")).cache).toBe("Foreshard; hit");
    await scheduler.wait(1_200);
    const stale = await read("f/stale");
    expect([stale.status, stale.text, stale.cache]).toEqual([
      200,
      "bytes",
      "Foreshard; hit; detail=stale-if-error",
    ]);
    const strict = await call("/shards/f/stale", NO_CACHE);
    expect(strict.status).toBe(503);
    await strict.arrayBuffer();
  });

  it("during a write stores nothing, is not repeated, and is told with Retry-After", async () => {
    const calls = breaking((operation) => (operation === "put" ? new Error(R2_FAILED) : null));
    const response = await put("f/write", "bytes");
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "1"]);
    expect(calls.filter((operation) => operation === "put")).toHaveLength(1);
    broken?.mend();
    expect(await env.SHARDS.head("f/write")).toBeNull();
  });

  it("during a delete is tried again, since deleting twice is deleting once", async () => {
    await put("f/delete", "bytes");
    const calls = breaking((operation, _key, number) =>
      operation === "delete" && number === 1 ? new Error(R2_FAILED) : null,
    );
    expect((await call("/shards/f/delete", { method: "DELETE", token: "write" })).status).toBe(204);
    expect(calls).toEqual(["delete", "delete"]);
  });

  it("during a list is tried again, then told", async () => {
    breaking(() => new Error(R2_FAILED));
    const response = await call("/shards");
    expect(response.status).toBe(503);
    await problem(response);
  });
});

describe("R2 throttling one key", () => {
  it("answers its writer 429 with Retry-After, and leaves other keys alone", async () => {
    const calls = breaking((operation, key) =>
      operation === "put" && key === "f/hot" ? new Error(R2_THROTTLED) : null,
    );
    const response = await put("f/hot", "bytes");
    expect([response.status, response.headers.get("Retry-After")]).toEqual([429, "1"]);
    expect((await problem(response)).type).toBe("/docs#problem-rate-limited");
    expect((await put("f/cold", "bytes")).status).toBe(201);
    expect(calls.filter((operation) => operation === "put")).toHaveLength(2);
    broken?.mend();
    expect(await env.SHARDS.head("f/hot")).toBeNull();
  });

  it("makes its reader wait a moment, not fail", async () => {
    await put("f/throttled", "bytes");
    breaking((_operation, _key, number) => (number === 1 ? new Error(R2_THROTTLED) : null));
    expect((await read("f/throttled")).text).toBe("bytes");
  });
});

/** A storage that never answers. */
const silent: ShardStore = {
  get: () => new Promise(() => undefined),
  getUnless: () => new Promise(() => undefined),
  head: () => new Promise(() => undefined),
  put: () => new Promise(() => undefined),
  delete: () => new Promise(() => undefined),
  list: () => new Promise(() => undefined),
};

describe("R2 slow", () => {
  it("is given up after its patience, by every operation", async () => {
    const store = resilient(silent, { timeout: 30 });
    for (const operation of [
      () => store.get("x"),
      () => store.getUnless("x", '"1"'),
      () => store.head("x"),
      () => store.put("x", new Uint8Array()),
      () => store.delete("x"),
      () => store.list({ limit: 1 }),
    ])
      await expect(operation()).rejects.toBeInstanceOf(StorageTimeoutError);
  });

  it("is not asked again: what timed out may still happen, and would undo a later write", async () => {
    let deletes = 0;
    const store = resilient(
      {
        ...silent,
        delete: () => {
          deletes++;
          return new Promise(() => undefined);
        },
      },
      { timeout: 30 },
    );
    await expect(store.delete("x")).rejects.toBeInstanceOf(StorageUnavailableError);
    expect(deletes).toBe(1);
  });

  it("is waited for longer by larger writes", async () => {
    const slow: ShardStore = {
      ...silent,
      put: async () => {
        await scheduler.wait(100);
        return null;
      },
    };
    const store = resilient(slow, { timeout: 20 });
    await expect(store.put("x", new Uint8Array(), { size: 10 })).rejects.toBeInstanceOf(StorageTimeoutError);
    expect(await store.put("x", new Uint8Array(), { size: 64 * 2_000 })).toBeNull();
  });

  it("holds nobody up whose shard is in memory", async () => {
    await put("f/warm", "bytes");
    await eventually(async () => ((await read("f/warm")).cache === "Foreshard; hit" ? true : null));
    const calls = breaking(() => "silent");
    expect((await read("f/warm")).cache).toBe("Foreshard; hit");
    expect(calls).toEqual([]);
  });
});

describe("backing off", () => {
  it("repeats failures with growing, jittered pauses, and timeouts or mistakes not at all", async () => {
    const times: number[] = [];
    const failing = (error: Error): ShardStore => ({
      ...silent,
      head: async () => {
        times.push(Date.now());
        throw error;
      },
    });
    await expect(resilient(failing(new StorageThrottledError("x"))).head("x")).rejects.toBeInstanceOf(
      StorageThrottledError,
    );
    expect(times).toHaveLength(3);
    const [first = 0, second = 0, third = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(45);
    expect(third - second).toBeGreaterThanOrEqual(90);
    times.length = 0;
    await expect(resilient(failing(new Error("a mistake"))).head("x")).rejects.toThrow("a mistake");
    expect(times).toHaveLength(1);
  });
});

describe("a body that breaks off in the middle", () => {
  it("stores nothing, and leaves what was there", async () => {
    await put("f/broken", "the old bytes");
    const half = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(1_000));
        controller.error(new Error("the sender went away"));
      },
    });
    const response = await call("/shards/f/broken", {
      method: "PUT",
      body: half,
      token: "write",
      headers: { "Content-Length": "100000" },
    }).catch(() => null);
    expect(response?.ok ?? false).toBe(false);
    expect(await (await env.SHARDS.get("f/broken"))?.text()).toBe("the old bytes");
  });
});

describe("a partition with more fetches under way than it takes", () => {
  it("serves what it has, and leaves the rest to R2", async () => {
    const ids = Array.from({ length: MAX_IN_FLIGHT + 20 }, (_, i) => `o/${i}`);
    await Promise.all([...ids, "o/held"].map((id) => env.SHARDS.put(id, id)));
    await eventually(async () => ((await read("o/held")).cache === "Foreshard; hit" ? true : null));
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    breaking((operation, key) => (operation === "get" && key !== "o/held" ? gate : null));
    const reads = ids.map((id) => read(id));
    await scheduler.wait(200);
    const held = await read("o/held");
    expect([held.text, held.cache]).toEqual(["o/held", "Foreshard; hit"]);
    open();
    const answers = await Promise.all(reads);
    expect(answers.map(({ text }) => text)).toEqual(ids);
    const left = answers.filter(({ cache }) => cache === "Foreshard; fwd=bypass; detail=overloaded");
    expect(left).toHaveLength(20);
  });
});

describe("damage", () => {
  it("to the settings a partition keeps is mended by the next heartbeat", async () => {
    await put("f/settings", "bytes");
    await read("f/settings");
    await runInDurableObject(partition(), (_object, state) => {
      state.storage.sql.exec("INSERT OR REPLACE INTO documents (name, body) VALUES ('settings', '{broken')");
      state.storage.kv.put("memo", "nonsense");
    });
    await evictDurableObject(partition());
    expect((await read("f/settings")).text).toBe("bytes");
  });
});
