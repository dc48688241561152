import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Neighbours } from "../../../durable-objects/partition/neighbours.ts";
import { rebalance } from "../../../src/core/placement/rebalance.ts";
import { REGIONS, RUNS_IN } from "../../../src/core/placement/regions.ts";
import { spreadHot } from "../../../src/core/placement/spread.ts";
import { locate } from "../../../src/core/routing/locate.ts";
import { homeOf, ownerOf, parsePartitionName, partitionsOf } from "../../../src/core/routing/route.ts";

describe("routing", () => {
  it.each([
    [{ continent: "EU", country: "FR", longitude: "2.35" }, "weur"],
    [{ continent: "EU", country: "PL", longitude: "21.0" }, "eeur"],
    [{ continent: "NA", country: "US", longitude: "-122.4" }, "wnam"],
    [{ continent: "NA", country: "US", longitude: "-74.0" }, "enam"],
    [{ continent: "NA", country: "US" }, "enam"],
    [{ continent: "SA", country: "BR" }, "sam"],
    [{ continent: "AS", country: "JP" }, "apac-ne"],
    [{ continent: "AS", country: "SG" }, "apac-se"],
    [{ continent: "AS", country: "IN" }, "apac"],
    [{ continent: "AS", country: "AE" }, "me"],
    [{ continent: "AF", country: "NG" }, "afr"],
    [{ continent: "OC", country: "AU" }, "oc"],
    [{}, "weur"],
  ])("sends %j to %s", (place, region) => {
    expect(locate(place)).toBe(region);
  });

  it("runs each region's objects in a region that has them", () => {
    for (const region of REGIONS) expect(["sam", "afr", "me"]).not.toContain(RUNS_IN[region]);
  });

  const topologyOf = (slots: number, generation = 1) => ({
    version: slots,
    regions: { weur: { generation, slots } },
  });
  const spreads = [
    ["users over homes", (key: string, slots: number) => homeOf("weur", key, topologyOf(slots)).slot],
    ["shards over owners", (key: string, slots: number) => ownerOf("weur", key, "u", topologyOf(slots)).slot],
  ] as const;

  it.each(spreads)(
    "spreads %s evenly; a new slot takes its share, and nothing else moves",
    (_what, slotOf) => {
      const keys = Array.from({ length: 5_000 }, (_, i) => `key/${i}`);
      const moved = keys.filter((key) => slotOf(key, 4) !== slotOf(key, 5));
      expect(moved.every((key) => slotOf(key, 5) === 4)).toBe(true);
      expect(moved.length / keys.length).toBeCloseTo(0.2, 1);
      const counts = [0, 0, 0, 0];
      for (const key of keys) counts[slotOf(key, 4)] = (counts[slotOf(key, 4)] ?? 0) + 1;
      for (const count of counts) expect(count / keys.length).toBeCloseTo(0.25, 1);
    },
  );

  it("leads to the generation that the topology names, so that a new one begins empty", () => {
    const topology = topologyOf(3, 7);
    const { name, generation, slot } = homeOf("weur", "ada", topology);
    expect([name, generation]).toEqual([`g7:weur:${slot}`, 7]);
    expect(ownerOf("oc", "map", "ada", topology).name).toBe("g1:oc:0");
    expect(partitionsOf("weur", topology).map((one) => one.name)).toEqual([
      "g7:weur:0",
      "g7:weur:1",
      "g7:weur:2",
    ]);
  });

  it("shares partitions between regions that share a place", () => {
    const topology = topologyOf(4);
    for (const [region, place] of [
      ["afr", "weur"],
      ["sam", "enam"],
      ["me", "eeur"],
    ] as const) {
      expect(homeOf(region, "ada", topology)).toEqual(homeOf(place, "ada", topology));
      expect(ownerOf(region, "map", "ada", topology)).toEqual(ownerOf(place, "map", "ada", topology));
    }
  });

  it.each(["constructor", "toString", "__proto__"])("takes no shard for a hot one by its name: %s", (id) => {
    const regions = { weur: { generation: 1, slots: 4, hot: {} } };
    const neighbours = new Neighbours(homeOf("weur", "ada", { version: 1, regions }), () => ({
      version: 1,
      regions,
    }));
    expect(ownerOf("weur", id, "ada", { version: 1, regions }).name).toMatch(/^g1:weur:[0-3]$/);
    expect(() => neighbours.ownerOf(id)).not.toThrow();
    expect(() => spreadHot([{ shard: id, requests: 9 }], 4, {})).not.toThrow();
  });

  it("sends a hot shard's readers to all its holders, each always to the same", () => {
    const topology = { version: 1, regions: { weur: { generation: 1, slots: 4, hot: { map: [1, 3] } } } };
    const slots = Array.from({ length: 100 }, (_, i) => ownerOf("weur", "map", `u${i}`, topology).slot);
    expect(new Set(slots)).toEqual(new Set([1, 3]));
    expect(ownerOf("weur", "map", "u7", topology).slot).toBe(slots[7]);
    expect(ownerOf("weur", "other", "u7", topology).slot).toBe(ownerOf("weur", "other", "u8", topology).slot);
  });

  it("reads back every name it gives, and no other", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...REGIONS),
        fc.string(),
        fc.integer({ min: 1, max: 9 }),
        (region, user, slots) => {
          const address = homeOf(region, user, { version: 1, regions: { weur: { generation: 3, slots } } });
          expect(parsePartitionName(address.name)).toEqual(address);
        },
      ),
      { seed: 7 },
    );
    for (const name of ["", "g1:weur", "g0:weur:0", "g1:mars:0", "g1:weur:-1", "g1:weur:0x"])
      expect(parsePartitionName(name)).toBeNull();
  });
});

describe("rebalancing", () => {
  const hot = (n: number) => Array.from({ length: n }, (_, i) => ({ shard: `s${i}`, requests: 100 - i }));
  const limits = { warmShardsPerRegion: 5, pinned: [] };

  it("keeps the hottest of each region warm, within the cap, pins first", () => {
    const { placement, moves } = rebalance({}, [{ region: "weur", demand: hot(20) }], {
      ...limits,
      pinned: ["pin"],
    });
    expect(placement.weur).toEqual(["pin", "s0", "s1", "s2", "s3"]);
    expect(moves).toEqual([{ region: "weur", warm: ["pin", "s0", "s1", "s2", "s3"], release: [] }]);
  });

  it("releases what became cold and does nothing when nothing changed", () => {
    const first = rebalance({}, [{ region: "weur", demand: hot(3) }], limits);
    expect(rebalance(first.placement, [{ region: "weur", demand: hot(3) }], limits).moves).toEqual([]);
    const cold = rebalance(
      first.placement,
      [{ region: "weur", demand: [{ shard: "s0", requests: 0.5 }] }],
      limits,
    );
    expect(cold.moves).toEqual([{ region: "weur", warm: [], release: ["s0", "s1", "s2"] }]);
  });

  it("moves a bounded number of shards a round and the rest in the next", () => {
    const many = { warmShardsPerRegion: 1_000, pinned: [] };
    const demand = Array.from({ length: 150 }, (_, i) => ({ shard: `s${i}`, requests: 1_000 - i }));
    const first = rebalance({}, [{ region: "weur", demand }], many);
    expect(first.moves[0]?.warm).toHaveLength(100);
    const second = rebalance(first.placement, [{ region: "weur", demand }], many);
    expect(second.moves[0]?.warm).toHaveLength(50);
  });
});
