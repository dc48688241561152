import { env, exports } from "cloudflare:workers";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { withTimeout } from "../../src/core/clock.ts";
import { settingsStore } from "../../src/storage/settings-store.ts";
import { SYSTEM_CLOCK } from "../../src/system-clock.ts";
import { anyRequest, type FuzzRequest } from "./fuzz-requests.ts";
import { FUZZED_REGIONS } from "./fuzz-values.ts";
import { partition } from "./support.ts";

/** What the command's environment says; the runner brings variables with this prefix into the runtime. */
const variables: unknown = Reflect.get(import.meta, "env");
const variable = (name: string, fallback: number): number => {
  const value: unknown = typeof variables === "object" && variables !== null && Reflect.get(variables, name);
  return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : fallback;
};

const REQUESTS = variable("VITE_FUZZ_REQUESTS", 1_500);
const SEED = variable("VITE_FUZZ_SEED", 20_261_122);
/** Longer than anything takes that is not hanging, ms, on a machine with other things to do. */
const BOUND = 10_000;

const tally = new Map<number, number>();
let unsent = 0;

/** The request itself, or null where the client's side refuses to make it. */
function build({ method, path, headers, body }: FuzzRequest): Request | null {
  try {
    const sent = new Headers(headers.map(([name, value]): [string, string] => [name, value]));
    // Another caller each time: limits on guessing are not what is tested here.
    sent.set("CF-Connecting-IP", `10.${(tally.size * 7) % 256}.${unsent % 256}.${sentRequests() % 256}`);
    const withBody = body.kind !== "none" && method !== "GET" && method !== "HEAD";
    const content = withBody && (body.kind === "bytes" ? body.bytes : new Blob([body.bytes]).stream());
    return new Request(`https://foreshard.test${path}`, {
      method,
      headers: sent,
      redirect: "manual",
      ...(content !== false && { body: content }),
    });
  } catch {
    return null;
  }
}

const sentRequests = (): number => [...tally.values()].reduce((sum, count) => sum + count, 0);

/** What a refused request must leave as it is: stored shards, settings, and how much was learned. */
async function snapshot(): Promise<{ readonly stored: string; readonly learned: readonly number[] }> {
  const [{ objects }, settings, ...learned] = await Promise.all([
    env.SHARDS.list(),
    settingsStore(env.SETTINGS).read(),
    ...FUZZED_REGIONS.map(async (region) => {
      const { eventQueue, counts } = await partition(`g1:${region}:0`).status();
      return counts.eventsLearned + eventQueue.waiting + eventQueue.dropped;
    }),
  ]);
  const shards = objects.map(({ key, etag, uploaded }) => `${key} ${etag} ${uploaded.getTime()}`);
  return { stored: JSON.stringify({ shards, settings }), learned };
}

/** A well-formed read is something a user did, and learned from while R2 is asked, before it says what it has. */
const isLearnedFrom = ({ method, url }: Request, status: number): boolean =>
  method === "GET" && url.includes("/shards/") && [404, 412, 416].includes(status);

async function answer(request: Request): Promise<{ status: number; type: string | null; text: string }> {
  const response = await exports.default.fetch(request);
  const text = new TextDecoder().decode(await response.arrayBuffer());
  return { status: response.status, type: response.headers.get("Content-Type"), text };
}

function checkProblem(status: number, type: string | null, text: string): void {
  expect(type).toBe("application/problem+json");
  const problem = JSON.parse(text) as Record<string, unknown>;
  expect(problem).toMatchObject({ status, type: expect.stringMatching(/^\/docs#problem-[a-z-]+$/) });
  expect(problem.detail).toEqual(expect.stringMatching(/\S/));
}

it(`${REQUESTS} random requests: no 5xx, no hang, and what is refused changes nothing (seed ${SEED})`, {
  timeout: 60_000 + REQUESTS * 100,
}, async () => {
  let before = await snapshot();
  await fc.assert(
    fc.asyncProperty(anyRequest, async (made) => {
      const request = build(made);
      if (request === null) {
        unsent++;
        return;
      }
      const { status, type, text } = await withTimeout(answer(request), BOUND, SYSTEM_CLOCK);
      tally.set(status, (tally.get(status) ?? 0) + 1);
      expect(status).toBeLessThan(500);
      if (status >= 400 && request.method !== "HEAD") checkProblem(status, type, text);
      const after = await snapshot();
      if (status >= 400 && isLearnedFrom(request, status)) expect(after.stored).toBe(before.stored);
      else if (status >= 400) expect(after).toEqual(before);
      before = after;
    }),
    // What is stored goes on from request to request, so a failure cannot be made smaller by repeating it.
    { numRuns: REQUESTS, seed: SEED, endOnFailure: true },
  );
  expect(sentRequests()).toBeGreaterThan(REQUESTS * 0.95);
  // The fuzzer gets past the checks: without this it would only show that nonsense is refused.
  for (const status of [200, 201, 202, 204]) expect(tally.get(status) ?? 0).toBeGreaterThan(REQUESTS / 200);
});

afterAll(() => {
  const counts = [...tally].sort(([a], [b]) => a - b).map(([status, count]) => `${status} ×${count}`);
  console.log(
    `fuzz: seed ${SEED}, ${sentRequests()} requests sent, ${unsent} impossible: ${counts.join(", ")}`,
  );
});
