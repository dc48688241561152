import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { app } from "../../src/routes/app.ts";

const TEAM = "team.cloudflareaccess.com";
const AUDIENCE = "tag-of-the-admin-application";
const ours = await generateKeyPair("RS256");
const theirs = await generateKeyPair("RS256");
const keys = { keys: [{ ...(await exportJWK(ours.publicKey)), kid: "one", alg: "RS256", use: "sig" }] };

/** Teams of this file's tests: each asks for its keys anew. */
let asked: string[] = [];
let answer: () => Response = () => Response.json(keys);

beforeAll(() => {
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    asked.push(input instanceof Request ? input.url : String(input));
    return answer();
  });
});
afterEach(() => {
  asked = [];
  answer = () => Response.json(keys);
});

interface Claims {
  readonly issuer?: string;
  readonly audience?: string;
  readonly expires?: string | null;
  readonly key?: CryptoKey;
  readonly kid?: string;
}

function assertion({
  issuer = `https://${TEAM}`,
  audience = AUDIENCE,
  expires = "5m",
  key = ours.privateKey,
  kid = "one",
}: Claims = {}): Promise<string> {
  const token = new SignJWT({ email: "ada@example.com" })
    .setProtectedHeader({ alg: "RS256", kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt();
  if (expires !== null) token.setExpirationTime(expires);
  return token.sign(key);
}

async function ask(
  jwt: string | undefined,
  init: RequestInit & { team?: string; token?: string; path?: string } = {},
): Promise<number> {
  const { team = TEAM, token, path = "/admin/api/settings", ...rest } = init;
  const headers = new Headers(rest.headers);
  if (jwt !== undefined) headers.set("Cf-Access-Jwt-Assertion", jwt);
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  const bindings = {
    ...env,
    ACCESS_TEAM_DOMAIN: team,
    ACCESS_AUD: `other-tag, ${AUDIENCE}`,
    LOGIN_LIMIT: undefined,
  };
  const request = new Request(`https://foreshard.test${path}`, { ...rest, headers });
  const response = await app.fetch(request, bindings as unknown as typeof env, createExecutionContext());
  await response.arrayBuffer();
  return response.status;
}

describe("with Cloudflare Access", () => {
  it("an assertion of the team for the application stands in for the admin token", async () => {
    expect(await ask(await assertion())).toBe(200);
    expect(await ask(await assertion(), { path: "/admin" })).toBe(200);
    expect(asked).toEqual([`https://${TEAM}/cdn-cgi/access/certs`]);
  });

  it.each<[string, Claims]>([
    ["signed with another key", { key: theirs.privateKey }],
    ["signed with a key nobody knows", { key: theirs.privateKey, kid: "two" }],
    ["of another team", { issuer: "https://other.cloudflareaccess.com" }],
    ["for another application", { audience: "tag-of-a-wiki" }],
    ["that has expired", { expires: "-2m" }],
    ["that never expires", { expires: null }],
  ])("one %s is no credential", async (_name, claims) => {
    expect(await ask(await assertion(claims))).toBe(401);
  });

  it("nor is one without a signature, with another algorithm, cut short, or no token at all", async () => {
    const [head = "", body = "", signature = ""] = (await assertion()).split(".");
    const headOf = (alg: string) => btoa(JSON.stringify({ alg, kid: "one" })).replaceAll("=", "");
    const secret = new TextEncoder().encode(JSON.stringify(keys.keys[0]));
    const confused = await new SignJWT({})
      .setProtectedHeader({ alg: "HS256", kid: "one" })
      .setIssuer(`https://${TEAM}`)
      .setAudience(AUDIENCE)
      .setExpirationTime("5m")
      .sign(secret);
    for (const jwt of [
      `${headOf("none")}.${body}.`,
      `${headOf("HS256")}.${body}.${signature}`,
      confused,
      `${head}.${body}.${signature.slice(0, -8)}`,
      `${head}.${body}`,
      "x",
      "",
    ])
      expect([jwt, await ask(jwt)]).toEqual([jwt, 401]);
  });

  it("the token still opens, and a wrong one is refused", async () => {
    expect(await ask(undefined, { token: "admin" })).toBe(200);
    expect(await ask("x.y.z", { token: "admin" })).toBe(200);
    expect(await ask("x.y.z", { token: "wrong" })).toBe(403);
  });

  it("opens nothing but the admin pages", async () => {
    const jwt = await assertion();
    expect(await ask(jwt, { path: "/shards/access/x", method: "DELETE" })).toBe(401);
    expect(await ask(jwt, { path: "/events", method: "POST", body: '{"type":"x"}' })).toBe(401);
  });

  it("another site cannot make an administrator's browser change anything", async () => {
    const jwt = await assertion();
    const change = { path: "/admin/api/settings", method: "PUT", body: "{}" };
    expect(await ask(jwt, { ...change, headers: { "Sec-Fetch-Site": "cross-site" } })).toBe(401);
    expect(await ask(jwt, { ...change, headers: { Origin: "https://evil.example" } })).toBe(401);
    expect(await ask(jwt, change)).toBe(401);
    expect(await ask(jwt, { ...change, headers: { "Sec-Fetch-Site": "same-origin" } })).toBe(200);
  });

  it("keys that cannot be had let nobody in by assertion, and the token still opens", async () => {
    answer = () => new Response("away", { status: 503 });
    const team = "away.cloudflareaccess.com";
    const jwt = await assertion({ issuer: `https://${team}` });
    expect(await ask(jwt, { team })).toBe(401);
    expect(await ask(jwt, { team, token: "admin" })).toBe(200);
  });
});

it("without Access configured an assertion is not even looked at", async () => {
  const headers = { "Cf-Access-Jwt-Assertion": await assertion() };
  const response = await app.fetch(
    new Request("https://foreshard.test/admin/api/settings", { headers }),
    env,
    createExecutionContext(),
  );
  expect(response.status).toBe(401);
  expect(asked).toEqual([]);
});
