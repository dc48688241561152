import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call, coordinator, eventually, partition, put, read } from "./support.ts";

const LONG = { "Cache-Control": "max-age=3600" };
const strong = (id: string, body: string, headers: Record<string, string> = LONG) =>
  call(`/shards/${id}?coherence=strong`, {
    method: "PUT",
    body: new TextEncoder().encode(body),
    headers,
    token: "write",
  });

/** Reads until the partition has a lease, and so answers from its copy. */
const warm = (id: string, region: "weur" | "oc" | "eeur") =>
  eventually(async () => ((await read(id, { region })).cache === "Foreshard; hit" ? true : null));

describe("strong writes", () => {
  it("leave no partition with older bytes once they are answered", async () => {
    await put("k/strong", "one", LONG);
    for (const region of ["weur", "oc", "eeur"] as const) await warm("k/strong", region);
    expect((await strong("k/strong", "two")).status).toBe(200);
    const texts = await Promise.all(
      (["weur", "oc", "eeur"] as const).map(async (region) => (await read("k/strong", { region })).text),
    );
    expect(texts).toEqual(["two", "two", "two"]);
  });

  it("leave no partition with older headers either, when the bytes are the same", async () => {
    await put("k/headers", "same", LONG);
    for (const region of ["weur", "oc"] as const) await warm("k/headers", region);
    const renewed = { "Content-Type": "text/new", "Cache-Control": "max-age=60" };
    expect((await strong("k/headers", "same", renewed)).status).toBe(200);
    for (const region of ["weur", "oc"] as const) {
      const { headers, text } = await read("k/headers", { region });
      expect([text, headers.get("Content-Type"), headers.get("Cache-Control")]).toEqual([
        "same",
        "text/new",
        "max-age=60",
      ]);
    }
    // Announced by its version, the write that is held already is not dropped by hearing of it again.
    const changes = await runInDurableObject(coordinator(), (_object, state) =>
      state.storage.sql
        .exec("SELECT version FROM changes WHERE shard = 'k/headers' ORDER BY number")
        .toArray(),
    );
    expect(changes.at(-1)).toEqual({ version: (await env.SHARDS.head("k/headers"))?.version });
  });

  it("reach a partition that lost its memory, and its copy on disk", async () => {
    await put("k/disk", "one", LONG);
    await warm("k/disk", "oc");
    await runInDurableObject(partition("g1:oc:0"), (object) => object.alarm());
    await evictDurableObject(partition("g1:oc:0"));
    await strong("k/disk", "two");
    expect((await read("k/disk", { region: "oc" })).text).toBe("two");
  });

  it("are heard of by a partition whose lease had ended, before it serves copies again", async () => {
    await put("k/away", "one", LONG);
    await warm("k/away", "eeur");
    // The partition was silent for longer than its lease: as far as the coordinator knows, nobody is there.
    await runInDurableObject(coordinator(), (_object, state) => {
      state.storage.sql.exec("DELETE FROM members");
    });
    await evictDurableObject(coordinator());
    await runInDurableObject(partition("g1:eeur:0"), async (object, state) => {
      await object.alarm();
      await state.storage.put("memo", { lease: { until: 0, at: 0, completeFrom: 0 }, prefetching: {} });
    });
    await evictDurableObject(partition("g1:eeur:0"));
    await strong("k/away", "two");
    await read("k/other", { region: "eeur" });
    expect((await read("k/away", { region: "eeur" })).text).toBe("two");
  });

  it("refuse a coherence that does not exist, storing nothing", async () => {
    const response = await call("/shards/k/odd?coherence=perfect", {
      method: "PUT",
      body: "x",
      token: "write",
    });
    expect(response.status).toBe(400);
    expect(await env.SHARDS.head("k/odd")).toBeNull();
  });
});

describe("a partition without a lease", () => {
  it("asks R2 before it serves a copy", async () => {
    await put("k/unleased", "one", LONG);
    await warm("k/unleased", "oc");
    await runInDurableObject(partition("g1:oc:0"), async (object, state) => {
      await object.alarm();
      await state.storage.put("memo", { lease: { until: 0, at: 0, completeFrom: 0 }, prefetching: {} });
    });
    await evictDurableObject(partition("g1:oc:0"));
    await env.SHARDS.put("k/unleased", "changed without telling", {
      httpMetadata: { cacheControl: "max-age=3600" },
    });
    const got = await read("k/unleased", { region: "oc" });
    expect([got.text, got.cache]).toEqual(["changed without telling", "Foreshard; fwd=stale"]);
  });
});

describe("a fetch under way", () => {
  it("is not kept when its shard changes meanwhile", async () => {
    await put("k/race", "one", LONG);
    await read("k/unrelated", { region: "oc" });
    const reading = read("k/race", { region: "oc" });
    const writing = strong("k/race", "two");
    await Promise.all([reading, writing]);
    expect((await read("k/race", { region: "oc" })).text).toBe("two");
  });
});

describe("a write made elsewhere", () => {
  it("is heard of through R2's event notification", async () => {
    await put("k/elsewhere", "one", LONG);
    await warm("k/elsewhere", "oc");
    const object = await env.SHARDS.put("k/elsewhere", "two", {
      httpMetadata: { cacheControl: "max-age=3600" },
    });
    const notification = (action: string, eTag?: string) => ({
      account: "a",
      action,
      bucket: "foreshard-shards",
      object: { key: "k/elsewhere", ...(eTag !== undefined && { eTag, size: 3 }) },
      eventTime: new Date().toISOString(),
    });
    await env.CHANGES.send(notification("PutObject", object?.etag) as never);
    await eventually(async () =>
      (await read("k/elsewhere", { region: "oc" })).text === "two" ? true : null,
    );
    await env.SHARDS.delete("k/elsewhere");
    await env.CHANGES.send(notification("DeleteObject") as never);
    await eventually(async () =>
      (await read("k/elsewhere", { region: "oc" })).status === 404 ? true : null,
    );
  });
});
