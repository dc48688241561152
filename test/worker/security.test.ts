import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Bindings } from "../../src/bindings.ts";
import { parseConfig } from "../../src/config.ts";
import { app } from "../../src/routes/app.ts";
import { AUTHORIZATION, type Rule } from "./authorization-table.ts";
import { call, problem } from "./support.ts";

const basic = (name: string, password: string): string => `Basic ${btoa(`${name}:${password}`)}`;

/** What callers send as `Authorization`. */
const CREDENTIALS = {
  none: undefined,
  read: "Bearer reader",
  write: "Bearer write",
  events: "Bearer events",
  admin: "Bearer admin",
  wrong: "Bearer wrong",
  "half a token": "Bearer adm",
  "two tokens": "Bearer write,admin",
  "nothing after Bearer": "Bearer ",
  "another scheme": "Token admin",
  "the bare token": "admin",
  "Basic, right": basic("ada", "admin"),
  "Basic, wrong": basic("ada", "wrong"),
  "Basic, not Base64": "Basic ===",
} as const;
type Credential = keyof typeof CREDENTIALS;

const NO_CREDENTIAL: readonly Credential[] = [
  "none",
  "nothing after Bearer",
  "another scheme",
  "the bare token",
  "Basic, not Base64",
];

const GUARDED = { ...env, READ_TOKENS: "reader", LOGIN_LIMIT: undefined };
const OPEN_READS = { ...env, LOGIN_LIMIT: undefined };
const NO_TOKENS = {
  ...env,
  LOGIN_LIMIT: undefined,
  READ_TOKENS: "",
  WRITE_TOKENS: undefined,
  EVENT_TOKENS: undefined,
  ADMIN_TOKENS: undefined,
};

interface Case {
  readonly method: string;
  readonly path: string;
  readonly rule: Rule;
}

/** The routes as requests; HEAD goes wherever GET goes. */
const CASES: readonly Case[] = Object.entries(AUTHORIZATION).flatMap(([route, rule]) => {
  const [method = "", pattern = ""] = route.split(" ");
  const path = pattern.replace("*", "a/shard");
  if (rule === "middleware") return [];
  if (method === "ALL") return [{ method: "PATCH", path, rule }];
  return method === "GET"
    ? [
        { method, path, rule },
        { method: "HEAD", path, rule },
      ]
    : [{ method, path, rule }];
});

const BODIES: Readonly<Record<string, string>> = { PUT: "{}", POST: '{"type":"login"}', PATCH: "x" };

async function statusOf(
  bindings: object,
  { method, path }: Case,
  headers: Record<string, string | undefined>,
) {
  const sent = new Headers();
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) sent.set(name, value);
  const body = BODIES[method];
  if (body !== undefined) sent.set("Content-Length", String(body.length));
  const context = createExecutionContext();
  const request = new Request(`https://foreshard.test${path}`, {
    method,
    headers: sent,
    ...(body !== undefined && { body: new TextEncoder().encode(body) }),
  });
  const response = await app.fetch(request, bindings as Bindings, context);
  await response.arrayBuffer();
  await waitOnExecutionContext(context);
  return response.status;
}

/** The status a rule asks for, or "in" where the route itself answers. */
function expected(rule: Rule, credential: Credential, method: string): 401 | 403 | 405 | "in" {
  if (rule === "refuses-method") return 405;
  if (rule === "open") return "in";
  if (NO_CREDENTIAL.includes(credential)) return 401;
  if (credential.startsWith("Basic")) {
    // A browser adds a remembered password to whatever any page makes it send: for reading only.
    if (rule !== "admin" || (method !== "GET" && method !== "HEAD")) return 401;
    return credential === "Basic, right" ? "in" : 401;
  }
  return credential === rule ? "in" : 403;
}

const name = ({ method, path, rule }: Case): string => `${method} ${path} (${rule})`;

describe("every route", () => {
  it("has a rule for who may call it, and every rule a route", () => {
    const routes = new Set(app.routes.map(({ method, path }) => `${method} ${path}`));
    expect([...routes].filter((route) => AUTHORIZATION[route] === undefined)).toEqual([]);
    expect(Object.keys(AUTHORIZATION).filter((route) => !routes.has(route))).toEqual([]);
  });

  it.each(CASES.map((one) => [name(one), one] as const))(
    "%s lets in those its rule names, and nobody else",
    async (_name, one) => {
      for (const [credential, authorization] of Object.entries(CREDENTIALS) as [Credential, string][]) {
        const headers = { Authorization: authorization };
        const wanted = expected(one.rule, credential, one.method);
        const guarded = await statusOf(GUARDED, one, headers);
        expect([credential, outcome(guarded)]).toEqual([credential, wanted]);
        const open = await statusOf(OPEN_READS, one, headers);
        expect([credential, outcome(open)]).toEqual([credential, one.rule === "read" ? "in" : wanted]);
      }
    },
  );

  it.each(CASES.filter(({ rule }) => rule !== "open").map((one) => [name(one), one] as const))(
    "%s lets nobody in while its tokens are unset or empty",
    async (_name, one) => {
      for (const [credential, authorization] of Object.entries(CREDENTIALS) as [Credential, string][]) {
        const status = await statusOf(NO_TOKENS, one, { Authorization: authorization });
        expect([credential, status]).toEqual([credential, one.rule === "refuses-method" ? 405 : status]);
        if (one.rule !== "refuses-method") expect([credential, outcome(status)]).not.toContain("in");
      }
    },
  );

  it("takes a browser's remembered password for a change only from our own pages", async () => {
    const one: Case = { method: "PUT", path: "/admin/api/settings", rule: "admin" };
    const password = { Authorization: CREDENTIALS["Basic, right"] };
    for (const [headers, status] of [
      [{}, 401],
      [{ Origin: "https://evil.example" }, 401],
      [{ Origin: "null" }, 401],
      [{ Origin: "https://foreshard.test", "Sec-Fetch-Site": "cross-site" }, 401],
      [{ "Sec-Fetch-Site": "same-site" }, 401],
      [{ "Sec-Fetch-Site": "none" }, 401],
      [{ "Sec-Fetch-Site": "same-origin" }, 200],
      [{ Origin: "https://foreshard.test" }, 200],
    ] as const)
      expect([headers, await statusOf(OPEN_READS, one, { ...headers, ...password })]).toEqual([
        headers,
        status,
      ]);
  });
});

/** A refusal by its status; everything else is the route's own answer, which must not be a failure. */
function outcome(status: number): number | "in" {
  if (status === 401 || status === 403 || status === 405) return status;
  expect(status).toBeLessThan(500);
  return "in";
}

describe("bad settings", () => {
  it.each([
    ["admin tokens that are only commas", { ADMIN_TOKENS: " , ,," }],
    ["a team domain without an audience", { ACCESS_TEAM_DOMAIN: "team.example.com" }],
    ["an address for a domain", { ACCESS_TEAM_DOMAIN: "https://team.example.com/path?x", ACCESS_AUD: "aud" }],
    ["an audience without a team", { ACCESS_AUD: "aud" }],
  ])("never open what they should guard: %s", async (_name, bad) => {
    const bindings = { ...OPEN_READS, ADMIN_TOKENS: undefined, ...bad };
    const one: Case = { method: "GET", path: "/admin/api/settings", rule: "admin" };
    expect(parseConfig(bindings as unknown as Bindings).access).toBeNull();
    expect(await statusOf(bindings, one, { "Cf-Access-Jwt-Assertion": "a.b.c" })).toBe(401);
    expect(await statusOf(bindings, one, { Authorization: "Bearer ," })).toBe(403);
  });
});

it("challenges with the schemes the resource takes", async () => {
  const data = await call("/shards/a", { method: "DELETE" });
  expect(data.headers.get("WWW-Authenticate")).toBe('Bearer realm="foreshard"');
  expect((await problem(data)).detail).toContain("write tokens");
  const api = await call("/admin/api/settings");
  expect(api.headers.get("WWW-Authenticate")).toBe('Bearer realm="foreshard"');
  const page = await call("/admin", {
    headers: { Accept: "text/html,*/*", Authorization: basic("ada", "wrong") },
  });
  expect([page.status, page.headers.get("WWW-Authenticate")]).toEqual([
    401,
    expect.stringMatching(/^Basic realm="foreshard"/),
  ]);
});
