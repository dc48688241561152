import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LongTermModel } from "../../../src/core/longterm/long-term-model.ts";
import { MapVersions } from "../../../src/core/longterm/map-versions.ts";
import type { DeltaEntry } from "../../../src/core/map-delta.ts";
import { read, reportOf, START, sequence } from "../reports.ts";

const HOUR = 3_600_000;
const WEEK = 7 * 24 * HOUR;

describe("deltas of the probability map", () => {
  it("tell only what changed materially since the version a partition has", () => {
    const model = new LongTermModel();
    model.merge("weur", sequence(["a", "b"], 20, START), START);
    const first = model.deltaSince(0, START);
    expect(first?.whole).toBe(true);
    expect(first?.entries.map(([key]) => key)).toEqual(["s:a"]);
    expect(model.deltaSince(first?.version ?? 0, START + 10_000)).toBeNull();
    model.merge("weur", sequence(["c", "d"], 20, START + 10_000), START + 10_000);
    model.merge("weur", sequence(["a", "b"], 1, START + 10_000), START + 10_000);
    const second = model.deltaSince(first?.version ?? 0, START + 20_000);
    expect(second?.whole).toBe(false);
    expect(second?.entries.map(([key]) => key)).toEqual(["s:c"]);
    expect(second?.version).toBeGreaterThan(first?.version ?? 0);
    expect(model.deltaSince(12_345, START + 20_000)?.whole).toBe(true);
  });

  it("say what is to be forgotten", () => {
    const versions = new MapVersions();
    versions.put("s:a", [["b", 0.9, 100]], 1);
    const first = versions.since(0, START);
    versions.put("s:a", [], 0);
    expect(versions.since(first?.version ?? 0, START + 3_000)?.entries).toEqual([["s:a", []]]);
    expect(versions.since(0, START + 3_000)?.entries).toEqual([]);
  });

  it("bring whoever keeps up to the same map as the newest, and never exceed 64 KB", () => {
    const change = fc.tuple(fc.nat(400), fc.nat(9), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 300 }), { maxLength: 12 }), (rounds) => {
        const versions = new MapVersions();
        const known = new Map<string, DeltaEntry[1]>();
        let version = 0;
        let partial = false;
        rounds.forEach((changes, round) => {
          for (const [key, shard, p] of changes)
            versions.put(
              `s:key/${key}/é"${"x".repeat(key % 90)}`,
              p < 0.05 ? [] : [[`shard/${shard}`, p, 5]],
              p,
            );
          const delta = versions.since(version, START + round * 3_000);
          if (delta === null) return;
          expect(new TextEncoder().encode(JSON.stringify(delta)).length).toBeLessThanOrEqual(64_000);
          if (delta.whole) known.clear();
          for (const [key, next] of delta.entries) {
            if (next.length === 0) known.delete(key);
            else known.set(key, next);
          }
          version = delta.version;
          partial ||= delta.whole && delta.entries.length > 200;
        });
        if (partial) return; // The best of a map too large for one delta is not all of it.
        for (const [key, next] of known) expect(versions.get(key)).toEqual(next);
      }),
      { seed: 45, numRuns: 40 },
    );
  });

  it("are the best there is when the map is larger than a delta", () => {
    const versions = new MapVersions();
    for (let i = 0; i < 5_000; i++) versions.put(`s:${i}`, [[`next/${i}`, 0.5, 10]], i);
    const delta = versions.since(0, START);
    for (let i = 0; i < 5_000; i++) versions.put(`s:${i}`, [[`next/${i}`, 0.9, 10]], i);
    expect(versions.since(delta?.version ?? 0, START + 3_000)?.whole).toBe(true); // Too much for a difference.
    expect(delta?.entries[0]?.[0]).toBe("s:4999");
    expect(delta?.entries.length).toBeGreaterThan(500);
    expect(delta?.entries.length).toBeLessThan(5_000);
  });
});

/** A report of `count` requests for each shard. */
const wanted = (shards: readonly string[], count: number, time: number) =>
  reportOf(
    shards.flatMap((shard, s) =>
      Array.from({ length: count }, (_, i) => read(`u${s}-${i}`, shard, time - 1_000)),
    ),
  );
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `base/${i}`);

describe("the scan", () => {
  it("plans the peaks of the hour to come, which weeks before brought", () => {
    const model = new LongTermModel();
    const nine = START + 9 * HOUR;
    for (const week of [0, 1])
      for (let part = 0; part < 6; part++) {
        const time = nine + week * WEEK + part * 600_000 + 1_000;
        model.merge("weur", wanted(["morning/news"], 5, time), time);
      }
    const partition = { name: "g1:weur:0", region: "weur", cold: false };
    const before = nine + 2 * WEEK - 10 * 60_000;
    expect(model.planScan(before - HOUR / 2, [partition])).toEqual([]);
    const [plan] = model.planScan(before, [partition, { name: "g1:oc:0", region: "oc", cold: false }]);
    expect(plan?.partition).toBe("g1:weur:0");
    expect(plan?.prefetches).toEqual([
      {
        shard: "morning/news",
        probability: expect.closeTo(1, 1),
        arrival: nine + 2 * WEEK,
        expires: nine + 2 * WEEK + 20 * 60_000,
      },
    ]);
    expect(model.planScan(before + 60_000, [partition])).toEqual([]); // Planned already.
  });

  it("plans what rises in another region that wants the same things, and not elsewhere", () => {
    const model = new LongTermModel();
    for (let hour = 0; hour < 50; hour++) {
      const time = START + hour * HOUR;
      model.merge("weur", wanted(names(20), 2, time), time);
      model.merge("enam", wanted(names(20), 2, time), time);
      model.merge(
        "oc",
        wanted(
          Array.from({ length: 20 }, (_, i) => `own/${i}`),
          2,
          time,
        ),
        time,
      );
    }
    const now = START + 50 * HOUR;
    model.merge("weur", wanted(["breaking"], 30, now), now);
    const plans = model.planScan(now, [
      { name: "g1:weur:0", region: "weur", cold: false },
      { name: "g1:enam:0", region: "enam", cold: false },
      { name: "g1:oc:0", region: "oc", cold: false },
    ]);
    expect(plans.map(({ partition }) => partition)).toEqual(["g1:enam:0"]);
    expect(plans[0]?.prefetches.map(({ shard }) => shard)).toEqual(["breaking"]);
  });

  it("plans the working set for a partition that came back cold, the most wanted first, at most a hundred", () => {
    const model = new LongTermModel();
    for (let i = 0; i < 20; i++)
      model.merge("weur", wanted(names(200), 1, START + i * 30_000), START + i * 30_000);
    model.merge("weur", wanted(["hot"], 50, START + 600_000), START + 600_000);
    const now = START + 600_000;
    const [plan, ...others] = model.planScan(now, [
      { name: "g1:weur:0", region: "weur", cold: true },
      { name: "g1:weur:1", region: "weur", cold: false },
    ]);
    expect(others).toEqual([]);
    expect(plan?.prefetches.length).toBe(100);
    expect(plan?.prefetches.map(({ shard }) => shard)).toContain("hot");
    for (const { probability, arrival, expires } of plan?.prefetches ?? []) {
      expect(probability).toBeGreaterThanOrEqual(0.2);
      expect(probability).toBeLessThanOrEqual(1);
      expect(arrival).toBe(now);
      expect(expires).toBeGreaterThan(now);
    }
    const again = model.planScan(now + 1_000, [{ name: "g1:weur:0", region: "weur", cold: true }]);
    const first = new Set(plan?.prefetches.map(({ shard }) => shard));
    for (const { shard } of again[0]?.prefetches ?? []) expect(first.has(shard)).toBe(false);
    const afterExpiry = model.planScan(now + 601_000, [{ name: "g1:weur:0", region: "weur", cold: true }]);
    expect(afterExpiry[0]?.prefetches.some(({ shard }) => first.has(shard))).toBe(true);
  });
});
