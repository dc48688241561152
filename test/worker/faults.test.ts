import {
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  getQueueResult,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { Partition } from "../../durable-objects/partition.ts";
import type { Bindings } from "../../src/bindings.ts";
import { readFromPartition } from "../../src/edge/partition-read.ts";
import { publishInvalidation } from "../../src/edge/publish-invalidation.ts";
import { consumeChanges } from "../../src/queues/changes.ts";
import { readOf } from "../support/read-of.ts";
import { callWith, faultyNamespace, platformError } from "./faulty.ts";
import { call, eventually, partition, problem, put, read } from "./support.ts";

const gone = () => Promise.reject(platformError("the object is gone", {}));
const overloaded = () =>
  Promise.reject(platformError("too much to do", { retryable: true, overloaded: true }));
const moving = () => Promise.reject(platformError("the object moves", { retryable: true }));
const silent = () => new Promise<never>(() => undefined);
const WEUR = { name: "g1:weur:0", region: "weur", generation: 1, slot: 0 } as const;

async function textOf(response: Response): Promise<readonly [number, string, string | null]> {
  const body = new TextDecoder().decode(await response.arrayBuffer());
  return [response.status, body, response.headers.get("Cache-Status")];
}

describe("a partition", () => {
  it.each([
    ["gone", gone, 1],
    ["overloaded", overloaded, 1],
    ["moving for longer than tries last", moving, 3],
  ] as const)("%s costs its readers warmth, not the read", async (_name, fault, tries) => {
    await put("p/read", "abcdef", { "Content-Type": "text/plain" });
    const { namespace, calls } = faultyNamespace("PARTITION", fault);
    const bindings = { PARTITION: namespace };
    const status = "Foreshard; fwd=bypass; detail=partition-unavailable";
    expect(await textOf(await callWith(bindings, "/shards/p/read"))).toEqual([200, "abcdef", status]);
    expect(calls).toHaveLength(tries);
    const part = await callWith(bindings, "/shards/p/read", { headers: { Range: "bytes=1-2" } });
    expect(await textOf(part)).toEqual([206, "bc", status]);
    const head = await callWith(bindings, "/shards/p/read", { method: "HEAD" });
    expect(head.headers.get("Content-Length")).toBe("6");
    expect((await callWith(bindings, "/shards/p/none")).status).toBe(404);
    const etag = head.headers.get("ETag") ?? "";
    const same = await callWith(bindings, "/shards/p/read", { headers: { "If-None-Match": etag } });
    expect(same.status).toBe(304);
  });

  it("that moves is met at its new place", async () => {
    await put("p/moved", "bytes");
    const { namespace, calls } = faultyNamespace("PARTITION", moving, 1);
    const [status, text, cache] = await textOf(await callWith({ PARTITION: namespace }, "/shards/p/moved"));
    expect([status, text]).toEqual([200, "bytes"]);
    expect(cache).not.toContain("bypass");
    expect(calls).toEqual(["fetch", "fetch"]);
  });

  it("that says nothing is given up, and R2 is read", async () => {
    await put("p/silent", "bytes");
    const { namespace } = faultyNamespace("PARTITION", silent);
    const asked = readOf("p/silent");
    const response = await readFromPartition({ ...env, PARTITION: namespace }, WEUR, asked, { timeout: 50 });
    expect(await textOf(response)).toEqual([
      200,
      "bytes",
      "Foreshard; fwd=bypass; detail=partition-unavailable",
    ]);
  });

  it("that fails within is passed over", async () => {
    await put("p/failing", "bytes");
    const broken = vi
      .spyOn(Partition.prototype, "fetch")
      .mockImplementation(async () => new Response("oh", { status: 500 }));
    try {
      const got = await read("p/failing");
      expect([got.status, got.text, got.cache]).toEqual([
        200,
        "bytes",
        "Foreshard; fwd=bypass; detail=partition-failed",
      ]);
    } finally {
      broken.mockRestore();
    }
  });

  it("that is gone leaves a write stored but unconfirmed: 503, to be repeated", async () => {
    for (const fault of [gone, overloaded]) {
      const { namespace } = faultyNamespace("PARTITION", fault);
      const write = { method: "PUT", token: "write", body: fault.name };
      const response = await callWith({ PARTITION: namespace }, "/shards/p/written", write);
      expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "1"]);
      expect((await problem(response)).type).toBe("/docs#problem-stored-unconfirmed");
      expect(await (await env.SHARDS.get("p/written"))?.text()).toBe(fault.name);
    }
  });

  it("that is gone takes no events: 503 when all are, the number of the rest otherwise", async () => {
    const post = {
      method: "POST",
      token: "events",
      body: '[{"type":"a","region":"weur"},{"type":"b","region":"oc"}]',
    };
    const all = await callWith({ PARTITION: faultyNamespace("PARTITION", gone).namespace }, "/events", post);
    expect([all.status, all.headers.get("Retry-After")]).toEqual([503, "5"]);
    expect((await problem(all)).type).toBe("/docs#problem-overloaded");
    const one = await callWith(
      { PARTITION: faultyNamespace("PARTITION", gone, 1).namespace },
      "/events",
      post,
    );
    expect(one.status).toBe(202);
    expect(await one.json()).toEqual({ accepted: 1 });
  });

  it("whose code is updated under load answers every read, whole", async () => {
    const text = "0123456789".repeat(2_000);
    await put("p/update", text);
    const reads = Array.from({ length: 60 }, async (_, i) => {
      await scheduler.wait(i * 10);
      return read("p/update", { user: `u${i}` });
    });
    const restarts = Array.from({ length: 5 }, async (_, i) => {
      await scheduler.wait(50 + i * 100);
      await evictDurableObject(partition());
    });
    await Promise.all(restarts);
    for (const got of await Promise.all(reads)) {
      expect(got.status).toBe(200);
      expect(got.text).toBe(text);
    }
  });
});

describe("the coordinator gone", () => {
  const away = () => ({ COORDINATOR: faultyNamespace("COORDINATOR", gone).namespace });

  it("leaves reads, bounded writes, deletes and events as they are", async () => {
    const bindings = away();
    const write = { method: "PUT", token: "write", body: "bytes" };
    expect((await callWith(bindings, "/shards/c/bounded", write)).status).toBe(201);
    expect((await textOf(await callWith(bindings, "/shards/c/bounded")))[1]).toBe("bytes");
    const events = { method: "POST", token: "events", body: '{"type":"login"}' };
    expect((await callWith(bindings, "/events", events)).status).toBe(202);
    const gone = await callWith(bindings, "/shards/c/bounded", { method: "DELETE", token: "write" });
    expect(gone.status).toBe(204);
  });

  it("leaves a strong write or delete stored but unconfirmed: 503, to be repeated", async () => {
    const write = { method: "PUT", token: "write", body: "bytes" };
    const response = await callWith(away(), "/shards/c/strong?coherence=strong", write);
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "1"]);
    expect((await problem(response)).type).toBe("/docs#problem-stored-unconfirmed");
    expect(await (await env.SHARDS.get("c/strong"))?.text()).toBe("bytes");
    const remove = await callWith(away(), "/shards/c/strong?coherence=strong", {
      method: "DELETE",
      token: "write",
    });
    expect(remove.status).toBe(503);
    expect(await env.SHARDS.head("c/strong")).toBeNull();
  });

  it("or silent, holds nobody up who does not need it", async () => {
    const bindings = { COORDINATOR: faultyNamespace("COORDINATOR", silent).namespace };
    const begun = Date.now();
    const write = { method: "PUT", token: "write", body: "bytes", headers: { Origin: "https://a.example" } };
    expect((await callWith(bindings, "/shards/c/silent", write)).status).toBe(201);
    expect((await callWith(bindings, "/shards/c/silent")).status).toBe(200);
    expect(Date.now() - begun).toBeLessThan(5_000);
  });
});

describe("the queue of changes", () => {
  it("away, a bounded write is stored and answered: copies elsewhere end with their freshness", async () => {
    const CHANGES = { send: () => Promise.reject(new Error("away")) } as unknown as typeof env.CHANGES;
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const write = { method: "PUT", token: "write", body: "bytes" };
    expect((await callWith({ CHANGES }, "/shards/q/away", write)).status).toBe(201);
    expect(log).toHaveBeenCalledWith(expect.stringContaining("changes: the queue did not take"));
    log.mockRestore();
  });

  it("delivering late does not drop what is newer, and delivering twice does nothing more", async () => {
    await put("q/late", "one");
    const first = await env.SHARDS.head("q/late");
    await scheduler.wait(20);
    await put("q/late", "two");
    await eventually(async () => ((await read("q/late")).cache === "Foreshard; hit" ? true : null));
    // As if it were a minute old: within the tolerance for clocks a copy is dropped to be sure.
    const body = {
      shard: "q/late",
      etag: first?.httpEtag ?? "",
      uploaded: (first?.uploaded.getTime() ?? 0) - 60_000,
    };
    for (let i = 0; i < 2; i++) {
      const batch = createMessageBatch("foreshard-changes", [
        { id: `late-${i}`, timestamp: new Date(), attempts: 1, body },
      ]);
      await consumeChanges(batch, env);
    }
    const got = await read("q/late");
    expect([got.text, got.cache]).toEqual(["two", "Foreshard; hit"]);
  });

  it("is done with a change once it is logged, and asked to deliver again what the coordinator did not take", async () => {
    await put("q/retry", "one");
    await eventually(async () => ((await read("q/retry")).cache === "Foreshard; hit" ? true : null));
    const settle = async (bindings: Partial<Bindings>) => {
      const body = { shard: "q/retry", uploaded: 1 };
      const message = { id: "retry", timestamp: new Date(), attempts: 3, body };
      const batch = createMessageBatch("foreshard-changes", [message]);
      await consumeChanges(batch, { ...env, ...bindings });
      return getQueueResult(batch, createExecutionContext());
    };
    const untold = await settle({ PARTITION: faultyNamespace("PARTITION", gone).namespace });
    expect([untold.explicitAcks, untold.retryMessages]).toEqual([["retry"], []]);
    const unlogged = await settle({ COORDINATOR: faultyNamespace("COORDINATOR", gone).namespace });
    expect(unlogged.retryMessages).toEqual([expect.objectContaining({ msgId: "retry" })]);
    expect(unlogged.explicitAcks).toEqual([]);
  });
});

describe("a write that ends between two of its steps", () => {
  it("after R2 and before the announcement is read at once where no copy is held, and later elsewhere", async () => {
    await put("w/crash", "one", { "Cache-Control": "max-age=1" });
    await eventually(async () =>
      (await read("w/crash", { region: "oc" })).cache === "Foreshard; hit" ? true : null,
    );
    // What a crash between the two steps leaves behind: R2 has it, and nobody was told.
    await env.SHARDS.put("w/crash", "two");
    expect((await read("w/crash", { region: "oc" })).text).toBe("one");
    await scheduler.wait(1_200);
    expect((await read("w/crash", { region: "oc" })).text).toBe("two");
  });

  it("repeated by its writer is announced again", async () => {
    await put("w/again", "one", { "Cache-Control": "max-age=3600" });
    await eventually(async () =>
      (await read("w/again", { region: "oc" })).cache === "Foreshard; hit" ? true : null,
    );
    await env.SHARDS.put("w/again", "two");
    const again = await call("/shards/w/again?coherence=strong", {
      method: "PUT",
      body: "two",
      token: "write",
    });
    expect(again.status).toBe(200);
    expect((await read("w/again", { region: "oc" })).text).toBe("two");
  });

  it("is never announced as done when an announcement failed", async () => {
    const { namespace } = faultyNamespace("PARTITION", gone);
    const change = { shard: "w/never", uploaded: Date.now() };
    for (const coherence of ["bounded", "strong"] as const)
      await expect(
        publishInvalidation({ ...env, PARTITION: namespace }, change, WEUR.region, coherence),
      ).rejects.toMatchObject({
        code: "stored-unconfirmed",
      });
  });
});

/** Ends the object's life at once, whatever it is doing. */
const abort = (): Promise<void> =>
  runInDurableObject(partition(), (_object, state) => state.abort("ended by the test")).catch(
    () => undefined,
  );

it("the end of a partition at any moment loses no shard and no acknowledged write, and tears no read", async () => {
  for (let round = 0; round < 12; round++) {
    const body = `round ${round} `.repeat(500);
    const [written, during] = await Promise.all([put("m/loss", body), read("m/loss"), abort()]);
    expect([200, 201, 503]).toContain(written.status);
    expect([200, 404]).toContain(during.status);
    if (during.status === 200) expect(during.text).toMatch(/^(round \d+ )\1{499}$/);
    if (written.ok) expect((await read("m/loss")).text).toBe(body);
  }
});
