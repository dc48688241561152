import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { app } from "../../src/routes/app.ts";
import { AUTHORIZATION } from "./authorization-table.ts";
import { call, coordinator, eventually, partition } from "./support.ts";

/** Marks that must turn up nowhere: users, tokens, addresses, agents, what people sent. */
const MARKS = {
  user: "user-mark-4711",
  otherUser: "user-mark-0815",
  wrongToken: "token-mark-wrong",
  adminToken: "token-mark-admin",
  readToken: "token-mark-read",
  writeToken: "token-mark-write",
  eventToken: "token-mark-events",
  address: "192.0.2.123",
  agent: "agent-mark/1.0",
  assertion: "assertion-mark.body.signature",
} as const;

const BINDINGS = {
  ...env,
  LOGIN_LIMIT: undefined,
  READ_TOKENS: MARKS.readToken,
  WRITE_TOKENS: MARKS.writeToken,
  EVENT_TOKENS: MARKS.eventToken,
  ADMIN_TOKENS: MARKS.adminToken,
  ACCESS_TEAM_DOMAIN: "team.cloudflareaccess.com",
  ACCESS_AUD: "aud",
} as unknown as typeof env;

/** All that the admin page and API show. */
const ADMIN_PATHS = Object.keys(AUTHORIZATION)
  .filter((route) => route.startsWith("GET /admin"))
  .map((route) => route.replace("GET ", "").replace("/explain", "/explain?shard=p/1&partition=g1:weur:0"));

const logged: string[] = [];
const answered: string[] = [];

beforeAll(() => {
  for (const level of ["log", "info", "warn", "error", "debug", "trace"] as const)
    vi.spyOn(console, level).mockImplementation((...values: unknown[]) => {
      logged.push(values.map(textOf).join(" "));
    });
});
afterAll(() => vi.restoreAllMocks());

const textOf = (value: unknown): string =>
  value instanceof Error
    ? `${value.name} ${value.message} ${value.stack}`
    : (JSON.stringify(value) ?? String(value));

interface Sent {
  readonly method?: string;
  readonly token?: string;
  readonly user?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly bindings?: typeof env;
}

/** Sends a request full of marks, and keeps all that comes back. */
async function send(
  path: string,
  { method = "GET", token, user, body, ...sent }: Sent = {},
): Promise<number> {
  const headers = new Headers({
    "CF-Connecting-IP": MARKS.address,
    "User-Agent": MARKS.agent,
    "Cf-Access-Jwt-Assertion": MARKS.assertion,
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    ...(user !== undefined && { "Foreshard-User": user }),
    ...(body !== undefined && { "Content-Length": String(body.length) }),
    ...sent.headers,
  });
  const response = await app.fetch(
    new Request(`https://foreshard.test${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: new TextEncoder().encode(body) }),
    }),
    sent.bindings ?? BINDINGS,
    createExecutionContext(),
  );
  answered.push(
    `${path} ${JSON.stringify([...response.headers])} ${new TextDecoder().decode(await response.arrayBuffer())}`,
  );
  return response.status;
}

/** All that an object's SQLite holds, key-value pairs included. */
const stored = (stub: DurableObjectStub): Promise<string> =>
  runInDurableObject(stub, (_object, state) => {
    const tables = state.storage.sql
      .exec("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .map(({ name }) => String(name))
      .filter((name) => !name.startsWith("_cf_"));
    const rows = tables.flatMap((name) => state.storage.sql.exec(`SELECT * FROM "${name}"`).toArray());
    return [...rows.map(rowText), ...[...state.storage.kv.list()].map((pair) => JSON.stringify(pair))].join(
      "\n",
    );
  });

const rowText = (row: Record<string, SqlStorageValue>): string =>
  Object.values(row)
    .map((value) => (value instanceof ArrayBuffer ? new TextDecoder("latin1").decode(value) : String(value)))
    .join("|");

/** Traffic of every kind: good, refused, malformed, and with everything behind it failing. */
async function traffic(): Promise<void> {
  const { user, otherUser } = MARKS;
  const write = { method: "PUT", token: MARKS.writeToken, user, body: "bytes" };
  for (const id of ["p/1", "p/2", "p/3"]) expect(await send(`/shards/${id}`, write)).toBe(201);
  for (let round = 0; round < 5; round++)
    for (const id of ["p/1", "p/2", "p/3"])
      expect(await send(`/shards/${id}`, { token: MARKS.readToken, user })).toBe(200);
  const events = JSON.stringify([
    { type: "login", user: otherUser },
    { type: "view", user: otherUser, shard: "p/1" },
    { type: "view", user: otherUser, shard: "p/2" },
  ]);
  expect(await send("/events", { method: "POST", token: MARKS.eventToken, user, body: events })).toBe(202);
  const wrong = { token: MARKS.wrongToken, user };
  for (const [path, init] of [
    ["/shards/p/1", {}],
    ["/shards/p/1", { method: "DELETE" }],
    ["/events", { method: "POST", body: events }],
    ["/admin", {}],
    ["/admin/api/settings", { method: "PUT", body: "{}" }],
  ] as const)
    expect(await send(path, { ...wrong, ...init })).toBe(403);
  const broken = `{"type":"login","user":"${otherUser}","oops":1}`;
  expect(await send("/events", { method: "POST", token: MARKS.eventToken, user, body: broken })).toBe(400);
  expect(await send("/shards/p/1", { token: MARKS.readToken, user: "x".repeat(300) + user })).toBe(400);
  await failures(user);
}

/** Everything behind the edge throws, and its errors quote what was sent. */
async function failures(user: string): Promise<void> {
  const reject = () => Promise.reject(new TypeError(`failed for ${user} with ${MARKS.wrongToken}`));
  const failing = new Proxy({}, { get: (_target, name) => (name === "then" ? undefined : reject) });
  const explode = { getByName: () => failing, get: () => failing, idFromName: () => "id" };
  const bindings = {
    ...BINDINGS,
    PARTITION: explode,
    COORDINATOR: explode,
    SHARDS: failing,
  } as unknown as typeof env;
  for (const [path, init] of [
    ["/shards/p/1", { token: MARKS.readToken }],
    ["/shards/p/9", { method: "PUT", token: MARKS.writeToken, body: "x" }],
    ["/events", { method: "POST", token: MARKS.eventToken, body: '{"type":"x"}' }],
    ["/admin", { token: MARKS.adminToken }],
  ] as const)
    expect(await send(path, { ...init, user, bindings })).toBeGreaterThanOrEqual(500);
}

it("no token, user, address or agent turns up in logs, answers, reports, stored state or the admin API", async () => {
  await traffic();
  // What was learned is reported, merged and stored.
  await eventually(async () => {
    await runInDurableObject(partition(), (object) => object.alarm());
    return JSON.stringify((await coordinator().overview()).correlations).includes("login") ? true : null;
  });
  await runInDurableObject(coordinator(), (object) => object.alarm());
  const admin: string[] = [];
  for (const path of ADMIN_PATHS) admin.push(await (await call(path, { token: "admin" })).text());

  const places = {
    logs: logged.join("\n"),
    answers: answered.join("\n"),
    "the admin API": admin.join("\n"),
    "the coordinator's storage": await stored(coordinator()),
    "the partition's storage": await stored(partition()),
  };
  // The places were looked at while something was in them.
  expect(places["the coordinator's storage"].length).toBeGreaterThan(200);
  expect(places["the partition's storage"].length).toBeGreaterThan(50);
  expect(places["the admin API"]).toContain("login");
  expect(places.logs).toContain("admin: the coordinator or the settings did not answer");
  for (const [place, text] of Object.entries(places))
    for (const [name, mark] of Object.entries(MARKS))
      expect(text.includes(mark), `${name} in ${place}: ${around(text, mark)}`).toBe(false);
});

const around = (text: string, mark: string): string => {
  const at = text.indexOf(mark);
  return at < 0 ? "" : text.slice(Math.max(0, at - 80), at + 80);
};
