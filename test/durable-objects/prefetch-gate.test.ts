import { describe, expect, it } from "vitest";
import { isControl } from "../../src/core/experiment/control-arm.ts";
import type { PrefetchReason } from "../../src/core/prefetch/prefetch.ts";
import { Bench } from "./bench.ts";

const users = Array.from({ length: 2_000 }, (_, i) => `user-${i}`);
const controlUser = users.find(isControl) ?? "";
const treatedUser = users.find((user) => !isControl(user)) ?? "";
const OTHERS = ["scan", "placement"] as const satisfies readonly PrefetchReason[];

/** Proposes to fetch a shard ahead, as the coordinator does, and lets it arrive. */
async function propose(bench: Bench, shard: string, reason: PrefetchReason, probability: number) {
  const now = bench.clock.now();
  bench.partition.prefetch([{ shard, probability, arrival: now, expires: now + 60_000 }], reason);
  await bench.pass(100);
}

/** Teaches that `b` follows `a`: the predictor proposes it from then on. Ends with neither in memory. */
async function teach(bench: Bench, a: string, b: string): Promise<void> {
  for (let i = 0; i < 30; i++) {
    for (const id of [a, b]) {
      await bench.read(id, { user: `teacher-${i}` });
      await bench.pass(200);
    }
    bench.partition.invalidate([{ shard: b, uploaded: bench.clock.now() }]);
  }
}

const issued = (bench: Bench): number => bench.partition.status().counts.prefetchesIssued;
const outcomeOf = (bench: Bench, shard: string) => bench.partition.explain(shard).decision?.outcome;

async function stored(bench: Bench, ...ids: string[]): Promise<void> {
  for (const id of ids) await bench.put(id, id, { cacheControl: "immutable" });
}

describe.each(OTHERS)("a prefetch proposed by %s", (reason) => {
  it("is fetched when it is worth its price, and is a prefetched hit then", async () => {
    const bench = new Bench();
    await stored(bench, "s/0", "s/1");
    await bench.read("s/0");
    await propose(bench, "s/1", reason, 0.9);
    expect((await bench.read("s/1")).cache).toBe("Foreshard; hit; detail=prefetched");
  });

  it("says why, to whoever asks", async () => {
    const bench = new Bench();
    await stored(bench, "s/0");
    const now = bench.clock.now();
    const cause = "A surged in weur; B follows in oc after 10 min";
    const proposal = { shard: "s/0", probability: 0.9, arrival: now, expires: now + 60_000 };
    bench.partition.prefetch([{ ...proposal, cause }], reason);
    expect(bench.partition.explain("s/0").decision).toMatchObject({ reason, cause });
    bench.partition.prefetch([{ ...proposal, shard: "s/1" }], reason);
    expect(bench.partition.explain("s/1").decision).not.toHaveProperty("cause");
  });

  it("is refused when it is not worth its price", async () => {
    const bench = new Bench({ prefetchCost: 0.3 });
    await stored(bench, "s/0", "s/2");
    await bench.read("s/0");
    await propose(bench, "s/2", reason, 0.25);
    expect([issued(bench), outcomeOf(bench, "s/2")]).toEqual([0, "not worth the price"]);
  });

  it("is refused in the long run when such proposals do not come true", async () => {
    const bench = new Bench();
    await stored(bench, ...Array.from({ length: 80 }, (_, i) => `s/${i}`));
    for (let i = 0; i < 80; i++) await propose(bench, `s/${i}`, reason, 0.5);
    expect(issued(bench)).toBeLessThan(75);
    expect(outcomeOf(bench, "s/79")).toBe("not worth the price");
  });

  it("is refused while prefetching is off", async () => {
    const bench = new Bench({ prefetchMode: "off" });
    await stored(bench, "s/0", "s/3");
    await bench.read("s/0");
    await propose(bench, "s/3", reason, 1);
    expect(issued(bench)).toBe(0);
  });

  it("counts as a miss spared when a reader of the control arm comes for it", async () => {
    const bench = new Bench();
    await stored(bench, "s/0", "s/4");
    await bench.read("s/0", { user: treatedUser });
    await propose(bench, "s/4", reason, 0.9);
    await bench.read("s/4", { user: controlUser });
    await bench.pass(100);
    expect(bench.partition.status().counts).toMatchObject({
      controlRequests: 1,
      controlMisses: 1,
      hits: 1,
    });
  });

  it("is refused where the shard is known not to exist, asked for by whatever method", async () => {
    const bench = new Bench();
    await bench.read("s/none");
    await bench.read("s/nowhere", { method: "HEAD" });
    for (const shard of ["s/none", "s/nowhere"]) await propose(bench, shard, reason, 1);
    expect(issued(bench)).toBe(0);
  });
});

describe("a prefetch of the partition's own predictor", () => {
  it("is made for a user, and refused for one of the control arm", async () => {
    const bench = new Bench();
    await stored(bench, "p/a", "p/b");
    await teach(bench, "p/a", "p/b");
    const before = issued(bench);
    await bench.read("p/a", { user: controlUser });
    await bench.pass(200);
    expect([issued(bench), outcomeOf(bench, "p/b")]).toEqual([before, "control"]);
    await bench.read("p/a", { user: treatedUser });
    await bench.pass(200);
    expect(issued(bench)).toBe(before + 1);
  });

  it("is refused when it is not worth its price", async () => {
    const bench = new Bench({ prefetchCost: 5 });
    await stored(bench, "p/a", "p/b");
    await teach(bench, "p/a", "p/b");
    expect(issued(bench)).toBe(0);
  });

  it("is told late when its reader came before it", async () => {
    const bench = new Bench();
    await stored(bench, "p/a", "p/b");
    await teach(bench, "p/a", "p/b");
    const before = bench.partition.status().counts.late;
    bench.storageTakes = 500;
    await bench.read("p/a", { user: treatedUser });
    await bench.pass(50);
    expect((await bench.read("p/b", { user: treatedUser })).cache).toBe("Foreshard; fwd=uri-miss; collapsed");
    await bench.pass(100);
    expect(bench.partition.status().counts.late).toBe(before + 1);
  });
});

describe("while prefetching is paused because it did not pay", () => {
  /** A partition whose prefetches were all in vain: the arms do not differ, and each of many cost a read. */
  async function paused(): Promise<Bench> {
    const bench = new Bench({ prefetchCost: 0.4, prefetchesPerMinute: 100_000 });
    await stored(bench, "q/hot", "q/a", "q/b", ...Array.from({ length: 200 }, (_, i) => `v/${i}`));
    await teach(bench, "q/a", "q/b");
    for (let i = 0; i < 200; i++) await propose(bench, `v/${i}`, i % 2 === 0 ? "scan" : "placement", 1);
    for (let i = 0; i < 220; i++)
      for (const user of [controlUser, treatedUser]) await bench.read("q/hot", { user });
    await bench.pass(200);
    expect(issued(bench)).toBeGreaterThan(15);
    return bench;
  }

  it.each(OTHERS)("what %s proposes is refused", async (reason) => {
    const bench = await paused();
    await stored(bench, "q/new");
    const before = issued(bench);
    await propose(bench, "q/new", reason, 1);
    expect([issued(bench), outcomeOf(bench, "q/new")]).toEqual([before, "paused"]);
    expect(bench.partition.status().pausedUntil).toBeGreaterThan(bench.clock.now());
  });

  it("what the predictor proposes is refused", async () => {
    const bench = await paused();
    const before = issued(bench);
    await bench.read("q/a", { user: treatedUser });
    await bench.pass(200);
    expect([issued(bench), outcomeOf(bench, "q/b")]).toEqual([before, "paused"]);
  });
});
