import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call, problem, put, read, status } from "./support.ts";

describe("reading a shard", () => {
  it("comes from R2 first and from memory then", async () => {
    await put("r/one", "hello");
    expect((await read("r/one")).cache).toBe("Foreshard; fwd=uri-miss; stored");
    expect((await read("r/one")).cache).toBe("Foreshard; hit");
    const { headers } = await read("r/one");
    expect(headers.get("Accept-Ranges")).toBe("bytes");
    expect(headers.get("Server-Timing")).toMatch(/^partition;dur=/);
    expect(headers.get("Content-Length")).toBe("5");
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  });

  it("makes one R2 read of two hundred concurrent readers of a cold shard", async () => {
    await put("r/crowd", "crowded");
    const before = (await status()).counts.storageReads;
    const responses = await Promise.all(
      Array.from({ length: 200 }, (_, i) => read("r/crowd", { user: `u${i}` })),
    );
    expect(new Set(responses.map(({ text }) => text))).toEqual(new Set(["crowded"]));
    expect((await status()).counts.storageReads - before).toBe(1);
    expect(responses.filter(({ cache }) => cache === "Foreshard; fwd=uri-miss; stored")).toHaveLength(1);
  });

  it.each([
    ["bytes=0-3", 206, "abcd", "bytes 0-3/10"],
    ["bytes=7-", 206, "hij", "bytes 7-9/10"],
    ["bytes=-2", 206, "ij", "bytes 8-9/10"],
    ["bytes=5-400", 206, "fghij", "bytes 5-9/10"],
    ["bytes=0-1,4-5", 200, "abcdefghij", null],
    ["items=0-1", 200, "abcdefghij", null],
  ])("answers Range: %s with %i, cold and warm", async (range, code, body, contentRange) => {
    const id = `r/range-${range.replaceAll(/\W/g, "_")}`;
    await put(id, "abcdefghij");
    for (const _ of ["cold", "warm"]) {
      const got = await read(id, { headers: { Range: range } });
      expect([got.status, got.text, got.headers.get("Content-Range")]).toEqual([code, body, contentRange]);
    }
  });

  it.each(["bytes=10-", "bytes=99-100", "bytes=5-2", "bytes=abc"])(
    "refuses Range: %s with 416",
    async (range) => {
      await put("r/bad-range", "abcdefghij");
      const response = await call("/shards/r/bad-range", { headers: { Range: range } });
      expect(response.status).toBe(416);
      expect(response.headers.get("Content-Range")).toBe("bytes */10");
      await problem(response);
    },
  );

  it("serves a range only while If-Range names the current version", async () => {
    const etag = (await put("r/if-range", "abcdefghij")).headers.get("ETag") ?? "";
    const current = await read("r/if-range", { headers: { Range: "bytes=0-1", "If-Range": etag } });
    expect([current.status, current.text]).toEqual([206, "ab"]);
    const old = await read("r/if-range", { headers: { Range: "bytes=0-1", "If-Range": '"old"' } });
    expect([old.status, old.text]).toEqual([200, "abcdefghij"]);
  });

  it("gives no date to a version that the next one could have too, and honours none", async () => {
    await scheduler.wait(1_000 - (Date.now() % 1_000)); // Both versions fall into one second.
    const stored = await put("r/second", "first version");
    const first = await read("r/second");
    await put("r/second", "other version");
    const second = new Date(Math.floor(Date.now() / 1_000) * 1_000).toUTCString();
    for (const date of [stored.headers.get("Last-Modified"), first.headers.get("Last-Modified"), second]) {
      const part = await read("r/second", { headers: { Range: "bytes=6-", "If-Range": date ?? "" } });
      expect([part.status, part.text]).toEqual([200, "other version"]);
      const since = await read("r/second", { headers: { "If-Modified-Since": date ?? "" } });
      expect([since.status, since.text]).toEqual([200, "other version"]);
    }
  });

  it("tells the age of a copy, and none for R2's own answer", async () => {
    await put("r/age", "aging");
    const ageOf = async (init?: Parameters<typeof read>[1]) => {
      const { cache, headers } = await read("r/age", init);
      return [cache, headers.get("Age")];
    };
    const direct = await ageOf({ headers: { "Cache-Control": "no-cache" } });
    expect(direct).toEqual(["Foreshard; fwd=bypass; detail=no-cache", null]);
    await read("r/age");
    await scheduler.wait(1_100);
    expect(await ageOf()).toEqual(["Foreshard; hit", expect.stringMatching(/^[1-9]$/)]);
    expect(await ageOf({ headers: { "If-None-Match": "*" } })).toEqual([
      "Foreshard; hit",
      expect.stringMatching(/^[1-9]$/),
    ]);
  });

  it("answers conditional requests with 304 and 412", async () => {
    const etag = (await put("r/cond", "body")).headers.get("ETag") ?? "";
    for (const _ of ["cold", "warm"]) {
      const same = await read("r/cond", { headers: { "If-None-Match": etag } });
      expect([same.status, same.text, same.headers.get("ETag")]).toEqual([304, "", etag]);
    }
    expect((await read("r/cond", { headers: { "If-None-Match": '"x"' } })).status).toBe(200);
    expect((await read("r/cond", { headers: { "If-Match": '"x"' } })).status).toBe(412);
    const future = new Date(Date.now() + 10_000).toUTCString();
    expect((await read("r/cond", { headers: { "If-Modified-Since": future } })).status).toBe(304);
    expect(
      (await read("r/cond", { headers: { "If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT" } })).status,
    ).toBe(412);
  });

  it("answers HEAD like GET without the bytes, from R2 and from memory", async () => {
    await put("r/head", "headless");
    for (const _ of ["cold", "warm"]) {
      const response = await call("/shards/r/head", { method: "HEAD" });
      expect(response.status).toBe(200);
      expect(response.headers.get("Content-Length")).toBe("8");
      expect(await response.text()).toBe("");
      await read("r/head");
    }
  });

  it("asks R2 again when the reader says no-cache", async () => {
    await put("r/strong", "one");
    await read("r/strong");
    await env.SHARDS.put("r/strong", "written elsewhere");
    const strong = await read("r/strong", { headers: { "Cache-Control": "no-cache" } });
    expect(strong.text).toBe("written elsewhere");
    expect(strong.cache).toBe("Foreshard; fwd=bypass; detail=no-cache");
    expect((await read("r/strong")).text).toBe("written elsewhere");
  });

  it("passes a shard too large for the cache through, whole and in ranges", async () => {
    const large = new Uint8Array(9 * 1_048_576).map((_, i) => i % 251);
    await put("r/large", large);
    const before = await status();
    const whole = await call("/shards/r/large");
    expect(whole.headers.get("Cache-Status")).toBe("Foreshard; fwd=bypass; detail=too-large");
    expect(new Uint8Array(await whole.arrayBuffer())).toEqual(large);
    const part = await call("/shards/r/large", { headers: { Range: "bytes=9000000-9000004" } });
    expect(part.status).toBe(206);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(large.slice(9_000_000, 9_000_005));
    expect((await status()).memory.bytes).toBe(before.memory.bytes);
  });

  it("does not keep what its writer marked no-store", async () => {
    await put("r/private", "x", { "Cache-Control": "no-store" });
    await read("r/private");
    expect((await read("r/private")).cache).toBe("Foreshard; fwd=uri-miss");
  });

  it("answers 404 for a shard that is not stored", async () => {
    const response = await call("/shards/r/none");
    expect(response.status).toBe(404);
    expect((await problem(response)).detail).toContain("PUT /shards/");
  });
});

describe("listing", () => {
  it("lists by prefix, page by page", async () => {
    for (const n of [1, 2, 3]) await put(`l/${n}`, "x".repeat(n));
    const first = await (await call("/shards?prefix=l/&limit=2")).json<{
      shards: { id: string; size: number }[];
      cursor: string;
    }>();
    expect(first.shards.map(({ id, size }) => [id, size])).toEqual([
      ["l/1", 1],
      ["l/2", 2],
    ]);
    const second = await (
      await call(`/shards?prefix=l/&limit=2&cursor=${encodeURIComponent(first.cursor)}`)
    ).json<{ shards: { id: string }[]; cursor?: string }>();
    expect(second.shards.map(({ id }) => id)).toEqual(["l/3"]);
    expect(second.cursor).toBeUndefined();
    expect((await call("/shards?limit=0")).status).toBe(400);
    expect((await call("/shards?limit=1001")).status).toBe(400);
  });

  it("names all query parameters that are wrong, not just the first", async () => {
    const { detail } = await problem(await call("/shards?limit=0&cursor=garbage"));
    expect(detail).toContain("limit: ");
    expect(detail).toContain("cursor: ");
  });

  it("walks page by page through ids of other scripts and of any length", async () => {
    const ids = ["lu/ünï", "lu/中文/ж", "lu/a b%?#", `lu/${"x".repeat(1_021)}`, "lu/z"];
    for (const id of ids) await env.SHARDS.put(id, "x");
    const found: string[] = [];
    let next = "";
    do {
      const page = await call(`/shards?prefix=lu/&limit=1${next}`);
      const { shards, cursor } = await page.json<{ shards: { id: string }[]; cursor?: string }>();
      found.push(...shards.map(({ id }) => id));
      next = cursor === undefined ? "" : `&cursor=${cursor}`;
    } while (next !== "");
    expect(found).toHaveLength(ids.length);
    expect(new Set(found)).toEqual(new Set(ids));
  });

  it("goes on after a shard that was deleted meanwhile", async () => {
    for (const n of [1, 2, 3]) await put(`lg/${n}`, "x");
    const { cursor } = await (await call("/shards?prefix=lg/&limit=1")).json<{ cursor: string }>();
    await env.SHARDS.delete("lg/1");
    const { shards } = await (await call(`/shards?prefix=lg/&cursor=${cursor}`)).json<{
      shards: { id: string }[];
    }>();
    expect(shards.map(({ id }) => id)).toEqual(["lg/2", "lg/3"]);
  });

  it("refuses a cursor that is none of its own, or of a list with another prefix", async () => {
    for (const n of [1, 2]) await put(`lw/${n}`, "x");
    const { cursor } = await (await call("/shards?prefix=lw/&limit=1")).json<{ cursor: string }>();
    for (const query of [
      "prefix=lw/&cursor=garbage",
      "prefix=lw/&cursor=",
      "prefix=lw/&cursor=bHcvMQ==",
      `prefix=lw/&cursor=${cursor}!`,
      "prefix=lw/&cursor=1.3._____",
      `prefix=lw/&cursor=${"1.3.".padEnd(3_000, "A")}`,
      `prefix=lw/2&cursor=${cursor}`,
      `prefix=lw&cursor=${cursor}`,
      `cursor=${cursor}`,
    ]) {
      const response = await call(`/shards?${query}`);
      expect([query, response.status]).toEqual([query, 400]);
      const { type, detail } = await problem(response);
      expect([type, detail]).toEqual([
        "/docs#problem-invalid-query",
        "cursor: must be one that a list with the same prefix answered; begin without one",
      ]);
    }
  });
});
