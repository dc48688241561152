import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { app } from "../../src/routes/app.ts";
import { call, problem, put, read, status } from "./support.ts";

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
    const before = (await status()).counts.eventsLearned;
    const response = await post(body, type);
    expect(response.status).toBe(400);
    expect((await problem(response)).detail).toContain(named);
    expect((await status()).counts.eventsLearned).toBe(before);
  });

  it("names all events that are wrong, the first ten of many", async () => {
    const some = await problem(
      await post('[{"type":7},{"type":"ok"},{"type":"ok","shard":"../x","user":""}]'),
    );
    for (const field of ["events[0].type: ", "events[2].shard: ", "events[2].user: "])
      expect(some.detail).toContain(field);
    const lines = await problem(await post('nope\n{"type":"ok"}\nnor this', "application/x-ndjson"));
    expect(lines.detail).toBe("events[0]: not JSON; events[2]: not JSON");
    const many = await problem(await post(JSON.stringify(Array(50).fill({ type: 7 }))));
    expect(many.detail).toContain("events[9].type: ");
    expect(many.detail).not.toContain("events[10]");
    expect(many.detail).toMatch(/; and 40 more$/);
  });

  it("refuses too many and too large with 413", async () => {
    expect((await post(JSON.stringify(Array(1_001).fill({ type: "x" })))).status).toBe(413);
    expect((await post(`[${" ".repeat(300_000)}]`)).status).toBe(413);
  });
});

describe("the region of an event", () => {
  const send = (events: unknown, environment: string) =>
    app.fetch(
      new Request("https://foreshard.test/events", {
        method: "POST",
        headers: { Authorization: "Bearer events" },
        body: JSON.stringify(events),
        cf: { continent: "OC", country: "NZ" },
      }),
      { ...env, FORESHARD_ENV: environment },
      createExecutionContext(),
    );

  it("is the caller's own outside development: another one is refused, all of them named", async () => {
    const before = (await status("g1:weur:0")).eventQueue;
    const events = [
      { type: "login", region: "weur" },
      { type: "login" },
      { type: "login", region: "oc" },
      { type: "login", region: "sam" },
    ];
    const response = await send(events, "production");
    expect(response.status).toBe(400);
    const { type, detail } = await problem(response);
    expect(type).toBe("/docs#problem-region-switch-refused");
    expect(detail).toBe(
      "events[0].region: must be oc; events[3].region: must be oc. Leave region out: it follows from where a request comes from.",
    );
    expect((await status("g1:weur:0")).eventQueue).toEqual(before);
    const own = await send([{ type: "login" }, { type: "login", region: "oc" }], "production");
    expect([own.status, await own.json()]).toEqual([202, { accepted: 2 }]);
  });

  it("may be any in development", async () => {
    const response = await send(
      [
        { type: "login", region: "weur" },
        { type: "login", region: "sam" },
      ],
      "development",
    );
    expect([response.status, await response.json()]).toEqual([202, { accepted: 2 }]);
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

  it("names all settings that are wrong, not just the first", async () => {
    const body = JSON.stringify({ prefetchThreshold: 2, memoryBytes: "x", freshnessSeconds: 5, nonsense: 1 });
    const response = await call("/admin/api/settings", { method: "PUT", token: "admin", body });
    const { detail } = await problem(response);
    for (const name of ["prefetchThreshold: ", "memoryBytes: ", "nonsense"]) expect(detail).toContain(name);
    expect(detail).not.toContain("freshnessSeconds");
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
