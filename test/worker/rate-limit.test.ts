import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Bindings } from "../../src/bindings.ts";
import { app } from "../../src/routes/app.ts";
import { problem } from "./support.ts";

/** A limiter that lets each key through `limit` times, and remembers the keys. */
function limiterOf(limit: number) {
  const counts = new Map<string, number>();
  return {
    counts,
    async limit({ key }: { key: string }) {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return { success: count <= limit };
    },
  };
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly token?: string;
  readonly address?: string;
  readonly body?: string;
}

async function send(
  bindings: Partial<Bindings>,
  { method = "GET", path = "/admin/api/settings", ...sent }: Sent,
) {
  const headers = new Headers({ "CF-Connecting-IP": sent.address ?? "192.0.2.1" });
  if (sent.token !== undefined) headers.set("Authorization", `Bearer ${sent.token}`);
  const request = new Request(`https://foreshard.test${path}`, {
    method,
    headers,
    ...(sent.body !== undefined && { body: new TextEncoder().encode(sent.body) }),
  });
  if (sent.body !== undefined) request.headers.set("Content-Length", String(sent.body.length));
  return app.fetch(request, { ...env, ...bindings }, createExecutionContext());
}

const write = { method: "PUT", path: "/shards/limit/a", body: "x", token: "write" };
const post = { method: "POST", path: "/events", body: '{"type":"login"}', token: "events" };

describe("writes", () => {
  it("are limited by token: 429 with Retry-After, storing nothing", async () => {
    const limiter = limiterOf(2);
    const bindings = { WRITE_LIMIT: limiter };
    for (const id of ["a", "b"])
      expect((await send(bindings, { ...write, path: `/shards/limit/${id}` })).status).toBe(201);
    const refused = await send(bindings, { ...write, path: "/shards/limit/c" });
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "10"]);
    expect((await problem(refused)).type).toBe("/docs#problem-rate-limited");
    expect(await env.SHARDS.head("limit/c")).toBeNull();
    expect((await send(bindings, { ...write, method: "DELETE", path: "/shards/limit/a" })).status).toBe(429);
    expect(await env.SHARDS.head("limit/a")).not.toBeNull();
    expect((await send(bindings, { ...write, token: "old-write", address: "192.0.2.9" })).status).toBe(200);
  });

  it("with a wrong token count for nobody", async () => {
    const limiter = limiterOf(2);
    for (let i = 0; i < 5; i++)
      expect((await send({ WRITE_LIMIT: limiter }, { ...write, token: "wrong" })).status).toBe(403);
    expect(limiter.counts.size).toBe(0);
  });

  it("go on without a limiter, and with one that fails", async () => {
    const failing = { limit: () => Promise.reject(new Error("away")) };
    const { WRITE_LIMIT: _, ...without } = env;
    expect((await app.fetch(requestOf(write), without as Bindings, createExecutionContext())).ok).toBe(true);
    expect((await send({ WRITE_LIMIT: failing }, write)).ok).toBe(true);
  });
});

const requestOf = ({ method, path, body, token }: typeof write): Request =>
  new Request(`https://foreshard.test${path}`, {
    method,
    body: new TextEncoder().encode(body),
    headers: { Authorization: `Bearer ${token}`, "Content-Length": String(body.length) },
  });

describe("posts of events", () => {
  it("are limited by token and address, so that one page's user does not use up all others'", async () => {
    const bindings = { EVENT_LIMIT: limiterOf(1) };
    expect((await send(bindings, post)).status).toBe(202);
    expect((await send(bindings, post)).status).toBe(429);
    expect((await send(bindings, { ...post, address: "192.0.2.2" })).status).toBe(202);
  });
});

describe("wrong admin tokens", () => {
  it("shut their address out for a while, with a right token too, and no other address", async () => {
    const bindings = { LOGIN_LIMIT: limiterOf(3) };
    const from = (token: string | undefined, address: string) =>
      send(bindings, { address, ...(token !== undefined && { token }) }).then(({ status }) => status);
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push(await from(`guess-${i}`, "198.51.100.1"));
    expect(statuses).toEqual([403, 403, 403, 429, 429]);
    expect(await from("admin", "198.51.100.1")).toBe(429);
    expect(await from("admin", "198.51.100.2")).toBe(200);
    const refused = await send(bindings, { address: "198.51.100.1", token: "admin" });
    expect(refused.headers.get("Retry-After")).toBe("60");
    expect((await problem(refused)).type).toBe("/docs#problem-rate-limited");
  });

  it("are counted as passwords of a browser too", async () => {
    const bindings = { ...env, LOGIN_LIMIT: limiterOf(2) };
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) {
      const headers = {
        Authorization: `Basic ${btoa(`ada:guess-${i}`)}`,
        "CF-Connecting-IP": "198.51.100.9",
      };
      const request = new Request("https://foreshard.test/admin", { headers });
      statuses.push((await app.fetch(request, bindings, createExecutionContext())).status);
    }
    expect(statuses).toEqual([401, 401, 429, 429]);
  });

  it("are counted by network where addresses are plentiful", async () => {
    const bindings = { LOGIN_LIMIT: limiterOf(1) };
    const from = (token: string, address: string) =>
      send(bindings, { address, token }).then(({ status }) => status);
    expect(await from("guess", "2001:db8:1:2::1")).toBe(403);
    expect(await from("guess", "2001:db8:1:2:ffff::9")).toBe(429);
    expect(await from("admin", "2001:DB8:1:2:0:0:0:7")).toBe(429);
    expect(await from("admin", "2001:db8:1:3::1")).toBe(200);
  });

  it("are no requests without any token, which browsers send before they ask for one", async () => {
    const limiter = limiterOf(1);
    for (let i = 0; i < 5; i++)
      expect((await send({ LOGIN_LIMIT: limiter }, { address: "198.51.100.7" })).status).toBe(401);
    expect(limiter.counts.size).toBe(0);
  });

  it("meet the platform's own limiter too", async () => {
    const statuses = new Set<number>();
    // More than twice the limit, since the local limiter's period may end in between.
    for (let i = 0; i < 25; i++) {
      const headers = { Authorization: `Bearer guess-${i}`, "CF-Connecting-IP": "203.0.113.5" };
      statuses.add(
        (await exports.default.fetch(new Request("https://foreshard.test/admin", { headers }))).status,
      );
    }
    expect([...statuses]).toEqual([403, 429]);
  });
});

it("limiters never see a token or an address, only hashes", async () => {
  const limiters = { WRITE_LIMIT: limiterOf(9), EVENT_LIMIT: limiterOf(9), LOGIN_LIMIT: limiterOf(9) };
  await send(limiters, write);
  await send(limiters, post);
  await send(limiters, { token: "wrong" });
  const keys = Object.values(limiters).flatMap(({ counts }) => [...counts.keys()]);
  expect(keys).toHaveLength(3);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}(:[0-9a-f]{64})?$/);
});
