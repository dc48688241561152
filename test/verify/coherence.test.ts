import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Bounds, check } from "../../verify/coherence/checker.ts";
import { bytesOf, contentIn, contentOf } from "../../verify/coherence/content.ts";
import { explainViolation } from "../../verify/coherence/explain-violation.ts";
import type { History, Read, Shown, State, Write } from "../../verify/coherence/history.ts";
import { MUTATIONS } from "../../verify/coherence/mutation.ts";
import { run } from "../../verify/coherence/run.ts";
import { Summary } from "../../verify/coherence/summary.ts";

const SECOND = 1_000;

describe("readers and writers in several regions, with faults", () => {
  const summary = new Summary();
  const accounts: string[] = [];

  beforeAll(async () => {
    for (const seed of [1, 2, 3, 4]) {
      const result = await run({ seed, operations: 3_000 });
      summary.add(result);
      accounts.push(
        ...result.violations.map(
          (violation) => `seed ${seed}: ${explainViolation(violation, result.history)}`,
        ),
      );
    }
  }, 60_000);

  it("never see a guarantee broken", () => {
    expect(accounts).toEqual([]);
  });

  it("are answered from copies often enough for that to mean something", () => {
    expect(summary.operations).toBe(12_000);
    expect(summary.hitShare).toBeGreaterThan(0.35);
  });

  it("go through all kinds of answers and faults", () => {
    const statuses = [...summary.readsByStatus.keys()];
    for (const detail of ["hit", "prefetched", "disk", "stale-if-error", "fwd=stale", "stored", "collapsed"])
      expect(statuses.some((status) => status.endsWith(detail))).toBe(true);
    for (const kind of [
      "clock stepped",
      "disk failing",
      "memory lost",
      "heartbeat lost",
      "heartbeat late",
      "coordinator restarted",
      "silence",
    ])
      expect(summary.faults.get(kind)).toBeGreaterThan(0);
    expect(summary.duplicates).toBeGreaterThan(0);
  });

  it("send no message that its consumer cannot read", () => {
    expect(summary.deadLetters).toBe(0);
  });

  it("do the same again for the same seed", async () => {
    const [once, again] = [await run({ seed: 5, operations: 600 }), await run({ seed: 5, operations: 600 })];
    expect(again.history).toEqual(once.history);
  });
});

describe("the checker", () => {
  /** Each is found in one of the first; the rest is for changes of the world. */
  const ENOUGH_SEEDS = 24;

  it.each(MUTATIONS)("finds a violation when the %s is taken out", async (mutation) => {
    let found = 0;
    for (let seed = 1; seed <= ENOUGH_SEEDS && found === 0; seed++)
      found = (await run({ seed, operations: 3_000, mutation })).violations.length;
    expect(found).toBeGreaterThan(0);
  });

  const BOUNDS: Bounds = {
    freshness: 30 * SECOND,
    staleIfError: 300 * SECOND,
    absence: 10 * SECOND,
    logged: 15 * SECOND,
    slack: SECOND,
  };
  const state = (index: number, at: number, cacheControl?: string, content = index): State => ({
    shard: "a",
    index,
    etag: index === 0 ? null : `"c${content}"`,
    version: index,
    content,
    size: index === 0 ? 0 : 80,
    cacheControl,
    at,
  });
  const STATES = [state(0, 0), state(1, 10 * SECOND), state(2, 20 * SECOND)];
  const who = { user: "reader", region: "weur", shard: "a" };
  const shown = (version: number, more: Partial<Shown> = {}): Shown => ({
    status: 200,
    etag: `"c${version}"`,
    version,
    content: version,
    cacheControl: "no-cache",
    length: 80,
    ...more,
  });
  const read = (version: number, from: number, more: Partial<Read> = {}): Read => ({
    kind: "read",
    ...who,
    from,
    to: from + 100,
    noCache: false,
    cacheStatus: "Foreshard; hit",
    answer: version === 0 ? { status: 404 } : shown(version),
    ...more,
  });
  const write = (index: number, more: Partial<Write> = {}): Write => ({
    kind: "write",
    ...who,
    user: "writer",
    from: (STATES[index]?.at ?? 0) - 50,
    to: (STATES[index]?.at ?? 0) + 50,
    coherence: "bounded",
    acknowledged: true,
    change: { shard: "a", etag: `"c${index}"`, uploaded: index },
    state: STATES[index] ?? null,
    ...more,
  });
  const historyOf = (
    operations: readonly (Read | Write)[],
    states: readonly State[] = STATES,
    logged: History["logged"] = new Map(),
  ): History => ({ states: new Map([["a", states]]), operations, faults: [], logged });
  const rules = (...of: Parameters<typeof historyOf>): string[] => {
    const history = historyOf(...of);
    return check(history, BOUNDS).map(({ rule }) => rule);
  };

  it("accepts a read of what was current at some moment within the bound", () => {
    expect(
      rules([read(1, 15 * SECOND), read(1, 50 * SECOND), read(2, 19_950), read(0, 20 * SECOND)]),
    ).toEqual([]);
  });

  it("finds bytes that were overwritten longer ago than the bound, absences too", () => {
    expect(rules([read(1, 52 * SECOND)])).toEqual(["staleness"]);
    expect(rules([read(0, 22 * SECOND)])).toEqual(["staleness"]);
  });

  it("lets a shard's own Cache-Control and an answer that says stale-if-error move the bound", () => {
    const own = [state(0, 0), state(1, 10 * SECOND, "max-age=60"), state(2, 20 * SECOND)];
    const minute = { answer: shown(1, { cacheControl: "max-age=60" }) };
    expect(rules([read(1, 80 * SECOND, minute)], own)).toEqual([]);
    expect(rules([read(1, 82 * SECOND, minute)], own)).toEqual(["staleness"]);
    const onError = { cacheStatus: "Foreshard; hit; detail=stale-if-error" };
    expect(rules([read(1, 350 * SECOND, onError)])).toEqual([]);
    expect(rules([read(1, 352 * SECOND, onError)])).toEqual(["staleness"]);
  });

  it("finds bytes older than a strong write answered before, and none while it is under way", () => {
    const strong = write(2, { coherence: "strong", to: 25 * SECOND });
    expect(rules([strong, read(1, 25 * SECOND)])).toEqual(["strong write"]);
    expect(rules([strong, read(1, 25 * SECOND - 1), read(2, 26 * SECOND)])).toEqual([]);
  });

  it("asks nothing of a strong write that failed", () => {
    expect(rules([write(2, { coherence: "strong", acknowledged: false }), read(1, 25 * SECOND)])).toEqual([]);
  });

  it("finds an own write that is not seen, and lets others see it later", () => {
    expect(rules([write(2, { user: "reader" }), read(1, 25 * SECOND)])).toEqual(["own write"]);
    expect(rules([write(2), read(1, 25 * SECOND)])).toEqual([]);
  });

  it("finds a write that is not seen long after it was logged, acknowledged or not", () => {
    const unsure = write(2, { acknowledged: false });
    const logged = new Map([['a "c2" 2', 21 * SECOND]]);
    expect(rules([unsure, read(1, 36 * SECOND)], STATES, logged)).toEqual(["logged write"]);
    expect(rules([unsure, read(1, 35 * SECOND), read(2, 36 * SECOND)], STATES, logged)).toEqual([]);
    expect(rules([unsure, read(1, 36 * SECOND)])).toEqual([]);
  });

  it("takes the newest of several writes, in whatever order they were answered", () => {
    const strong = { coherence: "strong" } as const;
    const operations = [write(2, { ...strong, to: 21 * SECOND }), write(1, { ...strong, to: 24 * SECOND })];
    expect(rules([...operations, read(1, 25 * SECOND)])).toEqual(["strong write"]);
  });

  it("holds no-cache reads to what is current when they begin", () => {
    expect(rules([read(1, 20_001, { noCache: true })])).toEqual(["no-cache"]);
    expect(rules([read(1, 19_999, { noCache: true })])).toEqual([]);
  });

  it("finds torn bytes, and versions from nowhere or from the future", () => {
    const got = (more: Partial<Shown>) => rules([read(1, 15 * SECOND, { answer: shown(1, more) })]);
    expect(got({ content: null })).toEqual(["torn"]);
    expect(got({ content: 2 })).toEqual(["torn"]);
    expect(got({ length: 72 })).toEqual(["torn"]);
    expect(rules([read(3, 15 * SECOND)])).toEqual(["from nowhere"]);
    expect(rules([read(2, 15 * SECOND)])).toEqual(["from nowhere"]);
  });

  it("finds headers of another version than the bytes, and old headers of the same bytes", () => {
    const got = (more: Partial<Shown>) => rules([read(1, 15 * SECOND, { answer: shown(1, more) })]);
    expect(got({ etag: '"c2"' })).toEqual(["headers"]);
    expect(got({ cacheControl: "public" })).toEqual(["headers"]);
    const again = [state(0, 0), state(1, 10 * SECOND), state(2, 20 * SECOND, "no-store", 1)];
    const strong = write(2, { coherence: "strong", state: again[2] ?? null });
    expect(rules([strong, read(1, 25 * SECOND)], again)).toEqual(["strong write"]);
    const renewed = { answer: shown(2, { etag: '"c1"', content: 1, cacheControl: "no-store" }) };
    expect(rules([strong, read(2, 25 * SECOND, renewed)], again)).toEqual([]);
  });

  it("finds a part that is not the one asked for", () => {
    const part = (contentRange: string, length: number) =>
      rules([
        read(1, 15 * SECOND, {
          answer: shown(1, { status: 206, length, part: { first: 64, last: 95, contentRange } }),
        }),
      ]);
    expect(part("bytes 64-79/80", 16)).toEqual([]);
    expect(part("bytes 64-79/80", 24)).toEqual(["torn"]);
    expect(part("bytes 64-79/81", 16)).toEqual(["headers"]);
  });

  it("recognises the version of any part of a body, and of no mixture of two", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), fc.nat(49), fc.nat(49), (cells, a, b) => {
        const [first, last] = [Math.min(a, b) % cells, Math.max(a, b) % cells].sort((x, y) => x - y);
        const body = contentOf(7, cells);
        const part = body.slice(bytesOf(first ?? 0), bytesOf((last ?? 0) + 1)).buffer;
        expect(contentIn(part, bytesOf(first ?? 0))).toBe(7);
        expect(contentIn(part, bytesOf((first ?? 0) + 1))).toBeNull();
        body.set(contentOf(8, cells).subarray(bytesOf(cells - 1)), bytesOf(cells - 1));
        expect(contentIn(body.buffer, 0)).toBeNull();
      }),
    );
  });

  it("tells what happened to the shard around a violation", () => {
    const operations = [write(2, { coherence: "strong" }), read(1, 25 * SECOND)];
    const history = historyOf(operations);
    const [violation] = check(history, BOUNDS);
    if (violation === undefined) throw new Error("no violation");
    const account = explainViolation(violation, history);
    expect(account).toMatch(/writer wrote #2, strong/);
    expect(account).toMatch(/reader read #1 .*<== this/);
  });
});
