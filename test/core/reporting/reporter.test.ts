import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reportSchema } from "../../../src/contract/messages.ts";
import { noCounts } from "../../../src/core/reporting/read-counts.ts";
import { Reporter } from "../../../src/core/reporting/reporter.ts";
import { read, reportOf, START } from "../reports.ts";

/** Weight of an edge, all delays together. */
function weight(body: ReturnType<typeof reportOf>, from: string, to: string): number {
  const edge = body.edges.find(([f, t]) => body.names[f] === from && body.names[t] === to);
  return (edge?.[2] ?? []).reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0);
}

describe("a report", () => {
  it("counts followers by nearness, from shards and from event types", () => {
    const body = reportOf([
      read("u", "a", START, { type: "login" }),
      read("u", "b", START + 100),
      read("u", "c", START + 200),
      read("other", "x", START + 250),
    ]);
    expect(weight(body, "s:a", "s:b")).toBe(1);
    expect(weight(body, "s:a", "s:c")).toBe(0.5);
    expect(weight(body, "s:b", "s:c")).toBe(1);
    expect(weight(body, "e:login", "s:c")).toBe(0.5);
    expect(weight(body, "s:c", "s:x")).toBe(0);
    expect(body.edges.find(([f, t]) => body.names[f] === "s:a" && body.names[t] === "s:b")?.[2]).toEqual([
      7, 1,
    ]);
  });

  it("counts a follower once for each occurrence, at its first coming, and never a shard after itself", () => {
    const body = reportOf(["a", "b", "b", "b"].map((shard, i) => read("u", shard, START + i)));
    expect(weight(body, "s:a", "s:b")).toBe(1);
    expect(weight(body, "s:b", "s:b")).toBe(0);
    expect(body.pairs.map(([, , followed]) => followed)).toEqual([3]); // Each read is followed by the next only.
    expect(body.seen.find(([name]) => body.names[name] === "s:b")?.[1]).toBe(3);
  });

  it("does not connect two visits", () => {
    const body = reportOf([read("u", "a", START), read("u", "b", START + 31_000)]);
    expect(body.edges).toEqual([]);
    expect(body.pairs).toEqual([]);
  });

  it("connects what a report parted", () => {
    const reporter = new Reporter();
    reporter.observe(read("u", "a", START));
    reporter.take(noCounts());
    reporter.observe(read("u", "b", START + 10));
    const body = reporter.take(noCounts());
    expect(body === null ? 0 : weight(body, "s:a", "s:b")).toBe(1);
    expect(body?.seen.map(([name]) => body.names[name])).toEqual(["s:b"]);
    expect(reporter.take(noCounts())).toBeNull();
  });

  it("forgets the users silent longest when there are too many", () => {
    const reporter = new Reporter(2);
    for (const user of ["gone", "kept", "new"]) reporter.observe(read(user, `${user}/1`, START));
    for (const user of ["kept", "new", "gone"]) reporter.observe(read(user, `${user}/2`, START + 10));
    const body = reporter.take(noCounts());
    const followed = ["gone", "kept", "new"].map((user) =>
      body === null ? 0 : weight(body, `s:${user}/1`, `s:${user}/2`),
    );
    expect(followed).toEqual([0, 1, 1]);
  });

  it("sums demand, rates and calibration, and carries what was counted meanwhile", () => {
    const reporter = new Reporter();
    reporter.observe(read("u", "a", START, { missed: true }));
    reporter.observe(read("u", "a", START + 5, {}));
    reporter.observe({ type: "login", user: "u", time: START + 10_000, missed: null });
    reporter.calibrate(0.25, true);
    reporter.calibrate(0.29, false);
    reporter.calibrate(1, true);
    const totals = { ...noCounts(), reads: 2, misses: 1, prefetchesIssued: 3 };
    const body = reporter.take(totals);
    expect(body?.demand.map(([name, ...rest]) => [body.names[name], ...rest])).toEqual([["s:a", 2, 1, 200]]);
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
  });
});
