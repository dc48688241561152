import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rebalance } from "../../../src/core/placement/rebalance.ts";
import { REGIONS, RUNS_IN } from "../../../src/core/placement/regions.ts";
import { locate } from "../../../src/core/routing/locate.ts";
import { parsePartitionName, route } from "../../../src/core/routing/route.ts";

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

  it("moves only the users that a new slot takes over, about one in n+1", () => {
    const before = { version: 1, regions: { weur: { generation: 1, slots: 4 } } };
    const after = { version: 2, regions: { weur: { generation: 1, slots: 5 } } };
    const users = Array.from({ length: 5_000 }, (_, i) => `user-${i}`);
    const moved = users.filter(
      (user) => route("weur", user, before).slot !== route("weur", user, after).slot,
    );
    expect(moved.every((user) => route("weur", user, after).slot === 4)).toBe(true);
    expect(moved.length / users.length).toBeCloseTo(0.2, 1);
    const counts = [0, 0, 0, 0];
    for (const user of users)
      counts[route("weur", user, before).slot] = (counts[route("weur", user, before).slot] ?? 0) + 1;
    for (const count of counts) expect(count / users.length).toBeCloseTo(0.25, 1);
  });

  it("leads to the generation that the topology names, so that a new one begins empty", () => {
    const topology = { version: 2, regions: { weur: { generation: 7, slots: 3 } } };
    const { name, generation, slot } = route("weur", "ada", topology);
    expect([name, generation]).toEqual([`g7:weur:${slot}`, 7]);
    expect(route("oc", "ada", topology).name).toBe("g1:oc:0");
  });

  it("reads back every name it gives, and no other", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...REGIONS),
        fc.string(),
        fc.integer({ min: 1, max: 9 }),
        (region, user, slots) => {
          const address = route(region, user, {
            version: 1,
            regions: { [region]: { generation: 3, slots } },
          });
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
