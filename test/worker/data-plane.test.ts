import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { app } from "../../src/routes/app.ts";
import { call, eventually, problem, put, read, status } from "./support.ts";

const sha256 = async (text: string): Promise<string> =>
  btoa(
    String.fromCharCode(
      ...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    ),
  );

describe("writing a shard", () => {
  it("answers 201 for a new shard and 200 for a newer version, with its ETag", async () => {
    const first = await put("w/new", "one");
    expect(first.status).toBe(201);
    expect(first.headers.get("ETag")).toMatch(/^"[0-9a-f]+"$/);
    expect(first.headers.get("Location")).toBe("/shards/w/new");
    expect((await put("w/new", "two")).status).toBe(200);
    expect((await read("w/new")).text).toBe("two");
  });

  it("keeps the content type and cache control of the write", async () => {
    await put("w/meta", "{}", { "Content-Type": "application/json", "Cache-Control": "max-age=60" });
    const { headers } = await read("w/meta");
    expect(headers.get("Content-Type")).toBe("application/json");
    expect(headers.get("Cache-Control")).toBe("max-age=60");
  });

  it("serves a stored content encoding as it was stored", async () => {
    const packed = await new Response(
      new Blob(["packed"]).stream().pipeThrough(new CompressionStream("gzip")),
    ).arrayBuffer();
    await put("w/gz", packed, { "Content-Encoding": "gzip", "Content-Type": "text/plain" });
    const response = await call("/shards/w/gz");
    expect(response.headers.get("Content-Encoding")).toBe("gzip");
    // The client here decodes as a browser does; had the bytes been decoded or packed on the way, this would fail.
    expect(await response.text()).toBe("packed");
    expect(
      new Uint8Array((await (await env.SHARDS.get("w/gz"))?.arrayBuffer()) ?? new ArrayBuffer()),
    ).toEqual(new Uint8Array(packed));
  });

  it("verifies the digest the writer gives, and stores nothing when it is wrong", async () => {
    const good = await put("w/digest", "right", { "Repr-Digest": `sha-256=:${await sha256("right")}:` });
    expect(good.status).toBe(201);
    expect((await read("w/digest")).headers.get("Repr-Digest")).toBe(`sha-256=:${await sha256("right")}:`);
    const bad = await put("w/digest", "wrong", { "Repr-Digest": `sha-256=:${await sha256("other")}:` });
    expect(bad.status).toBe(400);
    expect((await problem(bad)).type).toBe("/docs#problem-digest-mismatch");
    expect((await read("w/digest")).text).toBe("right");
    const malformed = await put("w/digest", "right", { "Repr-Digest": "sha-256=nonsense" });
    expect(malformed.status).toBe(400);
    expect((await problem(malformed)).detail).toContain("Repr-Digest");
  });

  it("honours If-None-Match: * and If-Match", async () => {
    const first = await put("w/if", "one", { "If-None-Match": "*" });
    expect(first.status).toBe(201);
    expect((await put("w/if", "two", { "If-None-Match": "*" })).status).toBe(412);
    expect((await put("w/if", "two", { "If-Match": '"0123"' })).status).toBe(412);
    expect((await read("w/if")).text).toBe("one");
    expect((await put("w/if", "two", { "If-Match": first.headers.get("ETag") ?? "" })).status).toBe(200);
    expect((await put("w/never", "x", { "If-Match": "*" })).status).toBe(412);
    expect((await read("w/never")).status).toBe(404);
  });

  it("refuses a body over the limit before reading it", async () => {
    const response = await call("/shards/w/huge", {
      method: "PUT",
      token: "write",
      headers: { "Content-Length": String(101 * 1_048_576) },
      body: new Uint8Array(10),
    });
    expect(response.status).toBe(413);
    expect((await problem(response)).detail).toContain("at most");
    expect((await read("w/huge")).status).toBe(404);
  });

  it("stores an empty shard", async () => {
    expect((await put("w/empty", "")).status).toBe(201);
    const { status: code, text } = await read("w/empty");
    expect([code, text]).toEqual([200, ""]);
    expect((await read("w/empty")).cache).toBe("Foreshard; hit");
  });

  it("drops the writer's own copy before it answers, and others' soon after", async () => {
    await put("w/own", "one");
    await read("w/own");
    await read("w/own", { region: "oc" });
    await put("w/own", "two");
    expect((await read("w/own")).text).toBe("two");
    await eventually(async () => ((await read("w/own", { region: "oc" })).text === "two" ? true : null));
  });
});

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
    const before = (await status()).storageReads;
    const responses = await Promise.all(
      Array.from({ length: 200 }, (_, i) => read("r/crowd", { user: `u${i}` })),
    );
    expect(new Set(responses.map(({ text }) => text))).toEqual(new Set(["crowded"]));
    expect((await status()).storageReads - before).toBe(1);
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

describe("deleting and listing", () => {
  it("deletes with 204, also what is not there", async () => {
    await put("d/one", "x");
    await read("d/one");
    expect((await call("/shards/d/one", { method: "DELETE", token: "write" })).status).toBe(204);
    expect((await read("d/one")).status).toBe(404);
    expect((await call("/shards/d/one", { method: "DELETE", token: "write" })).status).toBe(204);
  });

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
});

describe("ids", () => {
  it.each([
    ["a dot-dot segment", "..%2fsecret", '".."'],
    ["an empty segment", "a%2f%2fb", "empty"],
    ["nothing", "", "empty"],
    ["an empty last segment", "a/", "empty"],
    ["a NUL", "a%00b", "control"],
    ["a line feed", "a%0ab", "control"],
    ["1,025 letters", "x".repeat(1_025), "1024 bytes"],
    ["1,026 bytes of UTF-8", "%E4%B8%AD".repeat(342), "1024 bytes"],
    ["what is not UTF-8", "%ff", "UTF-8"],
  ])("refuses %s with 400, reading and writing", async (_name, id, reason) => {
    for (const init of [{}, { method: "PUT", body: "x", token: "write" }]) {
      const path = `/shards/${id}`;
      const response = await call(path, init);
      if (path === "/shards/" && init.method === undefined) continue; // GET /shards/ lists.
      expect(response.status).toBe(400);
      expect((await problem(response)).detail).toContain(reason);
    }
  });

  it.each([
    ["a path", "tiles/5/10/12"],
    ["other scripts", "ünïcode/中文"],
    ["a space", "with space"],
    ["a percent sign", "a%b"],
    ["a question mark", "q?x=1"],
    ["a hash sign", "h#ash"],
    ["1,024 letters", "x".repeat(1_024)],
  ])("takes %s", async (_name, id) => {
    const path = id.split("/").map(encodeURIComponent).join("/");
    expect((await put(path, "body")).status).toBe(201);
    expect((await read(path)).text).toBe("body");
    expect(await (await env.SHARDS.get(id))?.text()).toBe("body");
  });
});

describe("credentials", () => {
  it("asks writers, event senders and admins for a token: 401 without, 403 with a wrong one", async () => {
    for (const [path, init] of [
      ["/shards/c/1", { method: "PUT", body: "x" }],
      ["/shards/c/1", { method: "DELETE" }],
      ["/events", { method: "POST", body: "{}" }],
      ["/admin", {}],
      ["/admin/api/settings", {}],
      ["/admin/api/forget", { method: "POST" }],
    ] as const) {
      const without = await call(path, init);
      expect(without.status).toBe(401);
      expect(without.headers.get("WWW-Authenticate")).toContain("Bearer");
      expect((await call(path, { ...init, token: "wrong" })).status).toBe(403);
    }
    expect((await read("c/1")).status).toBe(404);
  });

  it("takes each of several tokens, so that they can be rotated", async () => {
    for (const token of ["old-write", "write"])
      expect((await call("/shards/c/rotated", { method: "PUT", body: "x", token })).ok).toBe(true);
  });

  it("guards reads once read tokens are set, and lets nobody write without write tokens", async () => {
    const guarded = { ...env, READ_TOKENS: "reader", WRITE_TOKENS: undefined };
    const fetch = (method: string, token?: string) =>
      app.fetch(
        new Request("https://foreshard.test/shards/c/guarded", {
          method,
          headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
        }),
        guarded,
        createExecutionContext(),
      );
    expect((await fetch("GET")).status).toBe(401);
    expect((await fetch("GET", "x")).status).toBe(403);
    expect((await fetch("GET", "reader")).status).toBe(404);
    expect((await fetch("DELETE", "write")).status).toBe(403);
    expect((await fetch("DELETE")).status).toBe(401);
  });

  it("refuses the region switch outside development", async () => {
    const response = await app.fetch(
      new Request("https://foreshard.test/shards/c/1", { headers: { "Foreshard-Region": "oc" } }),
      { ...env, FORESHARD_ENV: "production" },
      createExecutionContext(),
    );
    expect(response.status).toBe(400);
    expect((await problem(response)).type).toBe("/docs#problem-region-switch-refused");
  });
});

describe("events", () => {
  const post = (body: string, type = "application/json") =>
    call("/events", { method: "POST", body, token: "events", headers: { "Content-Type": type } });

  it("takes one event, an array, or NDJSON, and says how many", async () => {
    for (const [body, type, accepted] of [
      ['{"type":"login"}', "application/json", 1],
      [
        '[{"type":"login","user":"x"},{"type":"view","shard":"a/b","time":"2026-01-01T00:00:00Z"}]',
        "application/json",
        2,
      ],
      ['{"type":"login"}\n\n{"type":"view"}\n', "application/x-ndjson", 2],
    ] as const) {
      const response = await post(body, type);
      expect(response.status).toBe(202);
      expect(await response.json()).toEqual({ accepted });
    }
  });

  it.each([
    ["not json", "application/json", "JSON"],
    ['{"kind":"login"}', "application/json", "events[0]"],
    ['[{"type":"ok"},{"type":7}]', "application/json", "events[1].type"],
    ['[{"type":"ok","shard":"../x"}]', "application/json", "events[0].shard"],
    ['{"type":"a"}\nnope', "application/x-ndjson", "events[1]"],
    ['{"type":"a","time":"yesterday"}', "application/json", "events[0].time"],
  ])("refuses %s with 400 naming the field", async (body, type, named) => {
    const before = (await status()).eventQueue.learned;
    const response = await post(body, type);
    expect(response.status).toBe(400);
    expect((await problem(response)).detail).toContain(named);
    expect((await status()).eventQueue.learned).toBe(before);
  });

  it("refuses too many and too large with 413", async () => {
    expect((await post(JSON.stringify(Array(1_001).fill({ type: "x" })))).status).toBe(413);
    expect((await post(`[${" ".repeat(300_000)}]`)).status).toBe(413);
  });
});

describe("settings and cross-origin access", () => {
  it("refuses settings out of range, naming the field, and changes nothing", async () => {
    const put = (body: unknown) =>
      call("/admin/api/settings", { method: "PUT", token: "admin", body: JSON.stringify(body) });
    const before = await (await call("/admin/api/settings", { token: "admin" })).json();
    for (const [patch, named] of [
      [{ prefetchThreshold: 1.5 }, "prefetchThreshold"],
      [{ memoryBytes: -1 }, "memoryBytes"],
      [{ unknownSetting: 1 }, "unknownSetting"],
      [{ pinned: ["../x"] }, "pinned[0]"],
      [[], "object"],
    ] as const) {
      const response = await put(patch);
      expect(response.status).toBe(400);
      expect((await problem(response)).detail).toContain(named);
    }
    expect(await (await call("/admin/api/settings", { token: "admin" })).json()).toEqual(before);
  });

  it("allows the origins of the settings and no others", async () => {
    await put("x/cors", "x");
    await call("/admin/api/settings", {
      method: "PUT",
      token: "admin",
      body: JSON.stringify({ corsOrigins: ["https://maps.example"] }),
    });
    const allowed = await call("/shards/x/cors", { headers: { Origin: "https://maps.example" } });
    expect(allowed.headers.get("Access-Control-Allow-Origin")).toBe("https://maps.example");
    expect(allowed.headers.get("Access-Control-Expose-Headers")).toContain("Cache-Status");
    const other = await call("/shards/x/cors", { headers: { Origin: "https://other.example" } });
    expect(other.headers.get("Access-Control-Allow-Origin")).toBeNull();
    const preflight = await call("/shards/x/cors", {
      method: "OPTIONS",
      headers: { Origin: "https://maps.example", "Access-Control-Request-Method": "PUT" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("Access-Control-Allow-Methods")).toContain("PUT");
  });
});

it("answers unknown addresses and methods with a problem", async () => {
  expect((await problem(await call("/nowhere"))).status).toBe(404);
  const patch = await call("/shards/a", { method: "PATCH" });
  expect(patch.status).toBe(405);
  expect(patch.headers.get("Allow")).toContain("PUT");
  expect((await call("/healthz")).status).toBe(200);
});
