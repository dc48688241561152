import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spreadHot } from "../../../src/core/placement/spread.ts";
import { ownerOf } from "../../../src/core/routing/route.ts";

type Demand = { readonly shard: string; readonly requests: number }[];

/** Requests by slot, when readers of a shard are spread evenly over those that hold it. */
function loadOf(demand: Demand, slots: number, hot: ReturnType<typeof spreadHot>): number[] {
  const load: number[] = Array(slots).fill(0);
  const topology = { version: 1, regions: { weur: { generation: 1, slots } } };
  for (const { shard, requests } of demand) {
    const holders = hot[shard] ?? [ownerOf("weur", shard, "", topology).slot];
    for (const slot of holders) load[slot] = (load[slot] ?? 0) + requests / holders.length;
  }
  return load;
}
const byDemand = (requests: readonly number[]): Demand =>
  requests.map((n, i) => ({ shard: `s/${i}`, requests: n })).sort((a, b) => b.requests - a.requests);
const zipf = (n: number): Demand => byDemand(Array.from({ length: n }, (_, i) => 10_000 / (i + 1)));

describe("spreading hot shards", () => {
  it("keeps every slot near the mean, however demand is shared out", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 1_000, noNaN: true }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 2, max: 8 }),
        (requests, slots) => {
          const demand = byDemand(requests);
          const load = loadOf(demand, slots, spreadHot(demand, slots));
          const mean = requests.reduce((sum, n) => sum + n, 0) / slots;
          expect(Math.max(...load)).toBeLessThanOrEqual(1.5 * mean);
        },
      ),
      { seed: 11 },
    );
  });

  it("tells only of those that are elsewhere than usual, and of few", () => {
    const hot = spreadHot(zipf(2_000), 4);
    expect(Object.keys(hot).length).toBeLessThanOrEqual(64);
    const topology = { version: 1, regions: { weur: { generation: 1, slots: 4 } } };
    for (const [shard, slots] of Object.entries(hot))
      expect(slots).not.toEqual([ownerOf("weur", shard, "", topology).slot]);
  });

  it("holds a shard that is asked for more than a slot has room for in several", () => {
    const hot = spreadHot(byDemand([900, 50, 50]), 4);
    expect(hot["s/0"]?.length).toBeGreaterThanOrEqual(3);
  });

  it("leaves who was moved where they are while there is room", () => {
    const demand = zipf(300);
    const first = spreadHot(demand, 4);
    const slightly = demand.map(({ shard, requests }, i) => ({
      shard,
      requests: requests * (1 + (i % 3) / 50),
    }));
    const second = spreadHot(slightly, 4, first);
    const kept = Object.keys(first).filter((shard) => String(second[shard]) === String(first[shard]));
    expect(kept.length).toBeGreaterThan(0.7 * Object.keys(first).length);
  });

  it("has nothing to spread over one slot", () => {
    expect(spreadHot(zipf(10), 1)).toEqual({});
  });
});
