import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MapVersions } from "../../../src/core/correlation/map-versions.ts";
import { SharedModel } from "../../../src/core/correlation/shared-model.ts";
import type { DeltaEntry } from "../../../src/core/map-delta.ts";
import { read, reportOf, SMALL, START, sequence } from "../reports.ts";

const none = () => 0;
const target = (region: string): string => `g1:${region}:0`;

describe("deltas of the probability map", () => {
  it("tell only what changed materially since the version a partition has", () => {
    const model = new SharedModel();
    model.merge("weur", sequence(["a", "b"], 20, START), START);
    const first = model.deltaSince(0, "weur", START);
    expect(first?.whole).toBe(true);
    expect(first?.entries.map(([key]) => key)).toEqual(["e:read", "s:a"]);
    expect(model.deltaSince(first?.version ?? 0, "weur", START + 10_000)).toBeNull();
    model.merge("weur", sequence(["c", "d"], 20, START + 10_000), START + 10_000);
    model.merge("weur", sequence(["a", "b"], 1, START + 10_000), START + 10_000);
    const second = model.deltaSince(first?.version ?? 0, "weur", START + 20_000);
    expect(second?.whole).toBe(false);
    expect(second?.entries.map(([key]) => key)).toEqual(["e:read", "s:c"]);
    expect(second?.version).toBeGreaterThan(first?.version ?? 0);
    expect(model.deltaSince(12_345, "weur", START + 20_000)?.whole).toBe(true);
  });

  it("say what is to be forgotten", () => {
    const versions = new MapVersions();
    versions.begin(START);
    versions.put("s:a", [["b", 0.9, 100]], 1);
    const first = versions.since(0, "weur", none);
    versions.begin(START + 3_000);
    versions.put("s:a", [], 0);
    expect(versions.since(first?.version ?? 0, "weur", none)?.entries).toEqual([["s:a", []]]);
    expect(versions.since(0, "weur", none)?.entries).toEqual([]);
  });

  it("say that a key whose row another took is to be forgotten", () => {
    const model = new SharedModel({ ...SMALL, shards: [2, 4] });
    model.merge("weur", sequence(["a", "b"], 5, START), START);
    const first = model.deltaSince(0, "weur", START);
    expect(new Map(first?.entries).get("s:a")?.length).toBe(1);
    model.merge("weur", sequence(["c", "d"], 40, START + 1_000), START + 1_000);
    const second = new Map(model.deltaSince(first?.version ?? 0, "weur", START + 10_000)?.entries);
    expect(second.get("s:a")).toEqual([]);
    expect(second.get("s:c")?.length).toBe(1);
  });

  it("are whole for who knows a version from before a restart, or of long ago", () => {
    const versions = new MapVersions();
    versions.begin(START);
    versions.put("s:a", [["b", 0.9, 100]], 1);
    const { version } = versions.since(0, "weur", none) ?? { version: 0 };
    versions.begin(START + 90_000);
    versions.put("s:c", [["d", 0.9, 100]], 1);
    expect(versions.since(version, "weur", none)?.whole).toBe(true);
    expect(versions.since(START - 1_000, "weur", none)?.whole).toBe(true);
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
          versions.begin(START + round * 3_000);
          for (const [key, shard, p] of changes)
            versions.put(
              `s:key/${key}/é"${"x".repeat(key % 90)}`,
              p < 0.05 ? [] : [[`shard/${shard}`, p, 5]],
              p,
            );
          const delta = versions.since(version, "weur", none);
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
        const newest = new Map(versions.since(0, "weur", none)?.entries);
        for (const [key, next] of known) expect(newest.get(key)).toEqual(next);
      }),
      { seed: 45, numRuns: 40 },
    );
  });

  it("are the best there is for a region when the map is larger than a delta", () => {
    const versions = new MapVersions();
    versions.begin(START);
    for (let i = 0; i < 5_000; i++) versions.put(`s:${i}`, [[`next/${i}`, 0.5, 10]], i);
    for (let i = 0; i < 2_000; i++) versions.put(`e:${i}`, [[`next/${i}`, 0.5, 10]], i);
    const delta = versions.since(0, "weur", none);
    const keysOf = (kind: string, of = delta) => of?.entries.filter(([key]) => key.startsWith(kind)) ?? [];
    expect(keysOf("s:")[0]?.[0]).toBe("s:4999");
    expect(keysOf("e:")[0]?.[0]).toBe("e:1999");
    expect(keysOf("s:").length).toBeGreaterThan(500); // However many event types there are.
    expect(keysOf("e:").length).toBeGreaterThan(500);
    const elsewhere = versions.since(0, "oc", (shard) => (Number(shard) < 100 ? 1_000 : 0));
    expect(keysOf("s:", elsewhere).map(([key]) => Number(key.slice(2)) < 100)).toEqual(
      expect.arrayContaining([true]),
    );
    expect(keysOf("s:", elsewhere).filter(([key]) => Number(key.slice(2)) < 100)).toHaveLength(100);
    versions.begin(START + 3_000);
    for (let i = 0; i < 5_000; i++) versions.put(`s:${i}`, [[`next/${i}`, 0.9, 10]], i);
    expect(versions.since(delta?.version ?? 0, "weur", none)?.whole).toBe(true); // Too much for a difference.
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
  it("plans the working set for a partition that came back cold, the most wanted first, at most a hundred", () => {
    const model = new SharedModel();
    for (let i = 0; i < 20; i++)
      model.merge("weur", wanted(names(200), 1, START + i * 30_000), START + i * 30_000);
    model.merge("weur", wanted(["hot"], 50, START + 600_000), START + 600_000);
    const now = START + 600_000;
    const [plan, ...others] = model.planScan(
      now,
      [
        { name: "g1:weur:0", region: "weur", cold: true },
        { name: "g1:oc:0", region: "oc", cold: false },
      ],
      target,
    );
    expect(others).toEqual([]);
    expect(plan?.prefetches.length).toBe(100);
    expect(plan?.prefetches.map(({ shard }) => shard)).toContain("hot");
    for (const { probability, arrival, expires } of plan?.prefetches ?? []) {
      expect(probability).toBeGreaterThanOrEqual(0.2);
      expect(probability).toBeLessThanOrEqual(1);
      expect(arrival).toBe(now);
      expect(expires).toBeGreaterThan(now);
    }
    const again = model.planScan(now + 1_000, [{ name: "g1:weur:0", region: "weur", cold: true }], target);
    const first = new Set(plan?.prefetches.map(({ shard }) => shard));
    for (const { shard } of again[0]?.prefetches ?? []) expect(first.has(shard)).toBe(false);
    const afterExpiry = model.planScan(
      now + 601_000,
      [{ name: "g1:weur:0", region: "weur", cold: true }],
      target,
    );
    expect(afterExpiry[0]?.prefetches.some(({ shard }) => first.has(shard))).toBe(true);
  });
});
