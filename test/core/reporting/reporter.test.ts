import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reportSchema } from "../../../src/contract/messages.ts";
import { patternKey } from "../../../src/core/keys.ts";
import { noCounts } from "../../../src/core/reporting/read-counts.ts";
import type { ReportBody } from "../../../src/core/reporting/report.ts";
import { Reporter } from "../../../src/core/reporting/reporter.ts";
import { read, reportOf, START } from "../reports.ts";

/** How many occurrences of `from` were followed by `to`, and the sum of log₂(1 + delay). */
function edgeOf(body: ReportBody, from: string, to: string): readonly [count: number, logDelay: number] {
  const edge = body.edges.find(([f, t]) => body.names[f] === from && body.names[t] === to);
  return [edge?.[2] ?? 0, edge?.[3] ?? 0];
}
const countOf = (body: ReportBody, from: string, to: string): number => edgeOf(body, from, to)[0];
const seenOf = (body: ReportBody, key: string): number =>
  body.seen.find(([name]) => body.names[name] === key)?.[1] ?? 0;

describe("a report", () => {
  it("counts followers alike at every distance, from shards, event types and patterns, with their delays", () => {
    const body = reportOf([
      read("u", "a", START, { type: "login" }),
      read("u", "b", START + 100),
      read("u", "c", START + 200),
      read("other", "x", START + 250),
    ]);
    expect(countOf(body, "s:a", "s:b")).toBe(1);
    expect(edgeOf(body, "s:a", "s:c")).toEqual([1, 7.65]); // log₂(1 + 200)
    expect(countOf(body, "s:b", "s:c")).toBe(1);
    expect(countOf(body, "e:login", "s:c")).toBe(1);
    expect(countOf(body, "s:c", "s:x")).toBe(0);
    const pattern = patternKey("login", "read");
    expect(countOf(body, pattern, "s:c")).toBe(1);
    expect(countOf(body, pattern, "s:b")).toBe(0); // It is the read that completes the pattern.
    expect(seenOf(body, pattern)).toBe(1);
  });

  it("counts an event's own read for its type, after no time", () => {
    const body = reportOf([read("u", "a", START, { type: "open" })]);
    expect(edgeOf(body, "e:open", "s:a")).toEqual([1, 0]);
  });

  it("counts a follower once for each occurrence, at its first coming, and never a shard after itself", () => {
    const body = reportOf(["a", "b", "b", "b"].map((shard, i) => read("u", shard, START + i)));
    expect(countOf(body, "s:a", "s:b")).toBe(1);
    expect(countOf(body, "s:b", "s:b")).toBe(0);
    expect(countOf(body, "e:read", "s:b")).toBe(4); // Each read asks for b: three at once, the first a moment later.
    expect(countOf(body, "e:read", "e:read")).toBe(3); // Each is followed by the next only.
    expect(seenOf(body, "s:b")).toBe(3);
  });

  it("never counts more followers than occurrences", () => {
    const step = fc.record({
      user: fc.nat(2),
      shard: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
      type: fc.constantFrom("read", "open", "save"),
      wait: fc.nat(20_000),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
        let time = START;
        const body = reportOf(
          steps.map(({ user, shard, type, wait }) => {
            time += wait;
            return shard === undefined
              ? { type, user: `u${user}`, time, isRead: false }
              : read(`u${user}`, shard, time, { type });
          }),
        );
        const seen = new Map(body.seen.map(([name, count]) => [name, count]));
        for (const [name, , count] of body.rates) seen.set(name, (seen.get(name) ?? 0) + count);
        for (const [from, , count] of body.edges) expect(count).toBeLessThanOrEqual(seen.get(from) ?? 0);
      }),
      { seed: 46 },
    );
  });

  it("does not connect two visits", () => {
    const body = reportOf([read("u", "a", START), read("u", "b", START + 31_000)]);
    expect(body.edges.map(([, , , logDelay]) => logDelay)).toEqual([0, 0]); // What each event itself asked for.
    expect(seenOf(body, patternKey("read", "read"))).toBe(0);
  });

  it("connects what lies far apart in one visit, as long as no pause parts it", () => {
    const body = reportOf(["a", "b", "c", "d"].map((shard, i) => read("u", shard, START + i * 20_000)));
    expect(countOf(body, "s:a", "s:d")).toBe(1);
  });

  it("connects what a report parted", () => {
    const reporter = new Reporter();
    reporter.observe(read("u", "a", START));
    reporter.take(noCounts());
    reporter.observe(read("u", "b", START + 10));
    const body = reporter.take(noCounts());
    expect(body === null ? 0 : countOf(body, "s:a", "s:b")).toBe(1);
    expect(body?.seen.map(([name]) => body.names[name])).toEqual(["s:b", patternKey("read", "read")]);
    expect(reporter.take(noCounts())).toBeNull();
  });

  it("forgets the users silent longest when there are too many", () => {
    const reporter = new Reporter(2);
    for (const user of ["gone", "kept", "new"]) reporter.observe(read(user, `${user}/1`, START));
    for (const user of ["kept", "new", "gone"]) reporter.observe(read(user, `${user}/2`, START + 10));
    const body = reporter.take(noCounts());
    const followed = ["gone", "kept", "new"].map((user) =>
      body === null ? 0 : countOf(body, `s:${user}/1`, `s:${user}/2`),
    );
    expect(followed).toEqual([0, 1, 1]);
  });

  it("sums demand, rates and calibration, and carries what was counted meanwhile", () => {
    const reporter = new Reporter();
    reporter.observe(read("u", "a", START));
    reporter.observe(read("u", "a", START + 5, {}));
    reporter.observe({ type: "login", user: "u", time: START + 10_000, isRead: false });
    reporter.calibrate(0.25, true);
    reporter.calibrate(0.29, false);
    reporter.calibrate(1, true);
    const totals = { ...noCounts(), reads: 2, misses: 1, prefetchesIssued: 3 };
    const body = reporter.take(totals);
    expect(body?.demand.map(([name, ...rest]) => [body.names[name], ...rest])).toEqual([["s:a", 2]]);
    expect(body?.totals).toEqual(totals);
    const tick = START / 10_000;
    expect(body?.rates.map(([name, ...rest]) => [body.names[name], ...rest])).toEqual([
      ["e:read", tick, 2],
      ["e:login", tick + 1, 1],
    ]);
    expect(body?.calibration[2]).toEqual([2, 0.54, 1]);
    expect(body?.calibration[9]).toEqual([1, 1, 1]);
  });

  it("stays within 64 KB and its contract whatever comes, and names no user", () => {
    const name = fc.string({ minLength: 1, maxLength: 200, unit: "binary" });
    const flood = fc.record({
      prefix: name,
      shards: fc.integer({ min: 2, max: 6_000 }),
      types: fc.integer({ min: 1, max: 3_000 }),
      users: fc.integer({ min: 1, max: 8_000 }),
    });
    fc.assert(
      fc.property(flood, ({ prefix, shards, types, users }) => {
        const reporter = new Reporter(1_000);
        for (let i = 0; i < 6_000; i++)
          reporter.observe(
            read(`secret-user-${i % users}`, `${prefix}${(i + Math.floor(i / users)) % shards}`, START + i, {
              type: `t${i % types}`,
            }),
          );
        const body = reporter.take(noCounts());
        const text = JSON.stringify({
          partition: "g1:weur:0",
          region: "weur",
          incarnation: START,
          sequence: 1,
          time: START,
          ...body,
        });
        expect(new TextEncoder().encode(text).length).toBeLessThanOrEqual(64_000);
        expect(text).not.toContain("secret-user");
        expect(body?.seen.length).toBeGreaterThan(0);
      }),
      { seed: 44, numRuns: 20 },
    );
  });

  it("passes its contract", () => {
    const body = reportOf(
      Array.from({ length: 500 }, (_, i) => read(`u${i % 7}`, `t/${i % 90}`, START + i * 10)),
    );
    const report = {
      partition: "g1:weur:0",
      region: "weur",
      incarnation: 1,
      sequence: 0,
      time: START,
      ...body,
    };
    expect(body.edges.length).toBeGreaterThan(90);
    expect(reportSchema.parse(report)).toEqual(report);
    expect(reportSchema.safeParse({ ...report, names: ["x:odd"] }).success).toBe(false);
    expect(reportSchema.safeParse({ ...report, names: ["p:alone"] }).success).toBe(false);
  });
});
