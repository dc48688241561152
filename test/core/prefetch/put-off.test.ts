import { describe, expect, it } from "vitest";
import { Engine } from "../../../src/core/engine/engine.ts";
import { bytes, epochMillis, probability } from "../../../src/core/units.ts";

describe("what is certain, but far beyond the horizon", () => {
  it("is planned for its time, however much others read meanwhile", () => {
    const engine = new Engine(bytes(64));
    let now = 1_800_000_000_000;
    let other = 0;
    const read = (user: string, shard: string) => {
      const time = epochMillis(now);
      const { outcome, plans } = engine.request({ type: "read", shard, user, time, region: "weur" });
      if (outcome !== "hit") engine.fill(shard, bytes(1), "demand", time);
      for (const plan of plans) engine.prefetchFailed(plan.shard);
      return plans;
    };
    const others = (): void => {
      for (let i = 0; i < 118; i++, now += 500)
        read(`other-${other % 9}`, `other/${(other++ * 7_919) % 5_003}`);
    };
    for (let visit = 0; visit < 12; visit++) {
      read(`u${visit}`, "p");
      others();
      read(`u${visit}`, "q");
      engine.remove("q");
    }
    others();
    const [plan] = read("new", "p");
    expect(plan?.shard).toBe("q");
    expect(((plan?.arrival ?? 0) - now) / 59_000).toBeCloseTo(1, 0);
  });
});

describe("a prefetch that was put off", () => {
  it("of another cache's shard leaves the record of the own ones alone", () => {
    const engine = new Engine(bytes(4), {}, { isElsewhere: () => true });
    const plan = {
      shard: "q",
      probability: probability(0.9),
      arrival: epochMillis(90_000),
      expires: epochMillis(180_000),
      reason: "predicted" as const,
    };
    const before = engine.save();
    engine.postpone(plan);
    expect(engine.save().records).toEqual(before.records);
  });

  it("does not stand in the way of who needs its shard before then", () => {
    const engine = new Engine(bytes(4));
    const far = { shard: "q", probability: probability(0.9), arrival: epochMillis(90_000) };
    const plan = { ...far, expires: epochMillis(180_000), reason: "predicted" as const };
    expect(engine.consider([plan], epochMillis(2_000), null)).toHaveLength(1);
    expect(engine.consider([plan], epochMillis(2_100), null)).toHaveLength(0);
    engine.postpone(plan);
    const soon = { ...plan, arrival: epochMillis(4_000) };
    expect(engine.consider([soon], epochMillis(3_000), null)).toHaveLength(1);
  });

  it("is not made when its copy came meanwhile", () => {
    const engine = new Engine(bytes(4));
    const read = (shard: string, time: number): void => {
      const at = epochMillis(time);
      if (
        engine.request({ type: "read", shard, user: `u${time}`, time: at, region: "weur" }).outcome !== "hit"
      )
        engine.fill(shard, bytes(1), "demand", at);
    };
    read("q", 1_000);
    engine.remove("q");
    const later = { shard: "q", probability: probability(0.9), arrival: epochMillis(90_000) };
    const plan = { ...later, expires: epochMillis(180_000), reason: "predicted" as const };
    expect(engine.consider([plan], epochMillis(2_000), null)).toHaveLength(1);
    engine.postpone(plan);
    read("q", 3_000);
    expect(engine.consider([plan], epochMillis(85_000), null)).toEqual([]);
    expect(engine.used).toBe(engine.count);
    expect(engine.count).toBe(1);
  });
});
