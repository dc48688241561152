import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { app } from "../../src/routes/app.ts";
import { privateCacheControl } from "../../src/routes/private-caching.ts";
import { call, put, read } from "./support.ts";

const ALLOWED = "https://maps.example";

/** A read where reads need a token. */
async function guardedRead(id: string, headers: Record<string, string> = {}): Promise<Response> {
  return app.fetch(
    new Request(`https://foreshard.test/shards/${id}`, {
      headers: { Authorization: "Bearer reader", ...headers },
    }),
    { ...env, READ_TOKENS: "reader" },
    createExecutionContext(),
  );
}

const vary = (response: { readonly headers: Headers }): readonly string[] =>
  (response.headers.get("Vary") ?? "").split(",").map((name) => name.trim());

const gzipped = async (text: string): Promise<ArrayBuffer> =>
  new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();

beforeAll(async () => {
  await call("/admin/api/settings", {
    method: "PUT",
    token: "admin",
    body: JSON.stringify({ corsOrigins: [ALLOWED] }),
  });
});

describe("a shared cache in front", () => {
  it("learns that answers vary by Origin, from every answer", async () => {
    await put("v/origin", "abc");
    for (const headers of [
      {},
      { Origin: ALLOWED },
      { Origin: "https://other.example" },
      { Range: "bytes=0-1" },
    ]) {
      expect(vary(await read("v/origin", { headers }))).toContain("Origin");
    }
    expect(vary(await read("v/absent"))).toContain("Origin");
    expect(vary(await call("/shards"))).toContain("Origin");
    expect(vary(await call("/events", { method: "POST", token: "wrong" }))).toContain("Origin");
  });

  it("gets no permission for an origin that is not in the settings, whatever it looks like", async () => {
    for (const origin of [
      "https://other.example",
      "null",
      `${ALLOWED}.evil.example`,
      `${ALLOWED}:444`,
      "*",
    ]) {
      const { headers } = await read("v/origin", { headers: { Origin: origin } });
      expect([origin, headers.get("Access-Control-Allow-Origin")]).toEqual([origin, null]);
    }
  });

  it("never keeps what needs a token, though the shard itself is called public", async () => {
    await put("v/public", "secret", { "Cache-Control": "public, s-maxage=86400, max-age=60, immutable" });
    const response = await guardedRead("v/public");
    expect(response.headers.get("Cache-Control")).toBe("private, max-age=60, immutable");
    expect(vary(response)).toEqual(expect.arrayContaining(["Origin", "Authorization"]));
    const etag = response.headers.get("ETag") ?? "";
    const unchanged = await guardedRead("v/public", { "If-None-Match": etag });
    expect([unchanged.status, unchanged.headers.get("Cache-Control")]).toEqual([
      304,
      "private, max-age=60, immutable",
    ]);
    const part = await guardedRead("v/public", { Range: "bytes=0-1" });
    expect([part.status, part.headers.get("Cache-Control")]).toEqual([206, "private, max-age=60, immutable"]);
    expect((await read("v/public")).headers.get("Cache-Control")).toContain("public");
  });

  it("is never offered a refusal to keep", async () => {
    for (const response of [
      await call("/shards/v/none"),
      await call("/shards/v/origin", { headers: { Range: "bytes=99-" } }),
      await call("/shards/v/origin", { headers: { "If-Match": '"x"' } }),
      await call("/shards/%ff"),
      await call("/shards/v/origin", { method: "DELETE" }),
      await call("/nowhere"),
      await guardedRead("v/origin", { Authorization: "" }),
    ]) {
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.headers.get("Cache-Control")).toBe("no-store");
    }
  });

  it("gets a part only for a range, and marks it as one", async () => {
    const whole = await read("v/origin");
    expect([whole.status, whole.headers.get("Content-Range")]).toEqual([200, null]);
    for (const range of ["bytes=0-0,2-2", "bytes 0-1", "lines=1-2", "x".repeat(3_000)]) {
      const { status, text } = await read("v/origin", { headers: { Range: range } });
      expect([range, status, text]).toEqual([range, 200, "abc"]);
    }
    const head = await call("/shards/v/origin", { method: "HEAD", headers: { Range: "bytes=0-0" } });
    expect([head.status, head.headers.get("Content-Length")]).toEqual([200, "3"]);
  });

  it("gets the same bytes and type whatever else a request says", async () => {
    for (const headers of [
      { "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http" },
      { "X-Original-URL": "/shards/v/other", "X-Rewrite-URL": "/shards/v/other" },
      { "X-HTTP-Method-Override": "DELETE" },
      { Accept: "text/html", "Accept-Language": "de", "Accept-Encoding": "br, gzip" },
      { Host: "evil.example", Forwarded: "host=evil.example" },
    ]) {
      const got = await read("v/origin", { headers });
      expect([got.status, got.text]).toEqual([200, "abc"]);
      expect(JSON.stringify([...got.headers])).not.toContain("evil");
    }
  });
});

it("keeps the stored encoding for pages of allowed origins", async () => {
  await put("v/gz", await gzipped("packed"), { "Content-Encoding": "gzip", "Content-Type": "text/plain" });
  const response = await call("/shards/v/gz", { headers: { Origin: ALLOWED } });
  expect(response.headers.get("Access-Control-Allow-Origin")).toBe(ALLOWED);
  // Unpacked once by the client here, as by a browser: had it been packed twice, this would not be the text.
  expect(await response.text()).toBe("packed");
});

describe("a shard's Cache-Control where reads are guarded", () => {
  it.each([
    [null, "private"],
    ["no-cache", "private, no-cache"],
    ["public", "private"],
    ["PUBLIC , S-MaxAge=5, max-age=5", "private, max-age=5"],
    ['private="set-cookie, x", no-store', "private, no-store"],
    ['no-cache="public, x", max-age=1', 'private, no-cache="public, x", max-age=1'],
    ["public-ish, max-age=3", "private, public-ish, max-age=3"],
  ])("%s becomes %s", (given, wanted) => {
    expect(privateCacheControl(given)).toBe(wanted);
  });
});

describe("security headers", () => {
  const requests: readonly [string, string, RequestInit & { token?: string }][] = [
    ["a shard", "/shards/v/origin", {}],
    ["a list", "/shards", {}],
    ["health", "/healthz", {}],
    ["the admin page", "/admin", { token: "admin" }],
    ["an admin number", "/admin/api/settings", { token: "admin" }],
    ["its style", "/admin/style.css", { token: "admin" }],
    ["a refusal", "/admin", {}],
    ["a failed read", "/shards/v/none", {}],
    ["nothing", "/nowhere", {}],
    ["events", "/events", { method: "POST", token: "events", body: '{"type":"x"}' }],
    ["a preflight", "/shards/v/origin", { method: "OPTIONS", headers: { Origin: ALLOWED } }],
  ];

  it.each(requests)("are on %s", async (_name, path, init) => {
    const { headers } = await call(path, init);
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("Referrer-Policy")).toBe("no-referrer");
    const policy = headers.get("Content-Security-Policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
  });

  it("tell browsers to stay with HTTPS, outside development", async () => {
    const get = (address: string, environment: string) =>
      app.fetch(new Request(address), { ...env, FORESHARD_ENV: environment }, createExecutionContext());
    const hsts = async (address: string, environment: string) =>
      (await get(address, environment)).headers.get("Strict-Transport-Security");
    expect(await hsts("https://foreshard.test/healthz", "production")).toContain("max-age=");
    expect(await hsts("https://foreshard.test/healthz", "development")).toBeNull();
    expect(await hsts("http://foreshard.test/healthz", "production")).toBeNull();
  });

  it("keep the admin pages out of frames, of other sites' reach and of caches", async () => {
    for (const [path, token] of [
      ["/admin", "admin"],
      ["/admin/api/settings", "admin"],
      ["/admin/api/settings", undefined],
      ["/admin/nowhere", "admin"],
    ] as const) {
      const { headers } = await call(path, token === undefined ? {} : { token });
      expect(headers.get("X-Frame-Options")).toBe("DENY");
      expect(headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
      expect(headers.get("Cache-Control")).toBe("no-store");
      expect(headers.get("Access-Control-Allow-Origin")).toBeNull();
    }
  });

  it("have no inline script, style or handler to allow", async () => {
    const page = await (await call("/admin", { token: "admin" })).text();
    expect(page).toContain("<html");
    expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=|javascript:/i);
  });

  it("let no stored page run: it is sandboxed, and no other page can be made of it", async () => {
    await put("v/page", "<script>alert(1)</script>", { "Content-Type": "text/html" });
    const { headers } = await read("v/page");
    expect(headers.get("Content-Security-Policy")).toBe("default-src 'none'; sandbox");
  });
});
