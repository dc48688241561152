import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { siblingsOf } from "../../durable-objects/partition/inheritance.ts";
import { MIND } from "../../durable-objects/partition/mind-keeper.ts";
import { SaveSchedule } from "../../durable-objects/partition/save-schedule.ts";
import { isControl } from "../../src/core/experiment/control-arm.ts";
import { INITIAL_TOPOLOGY } from "../../src/core/placement/topology.ts";
import { type PartitionAddress, parsePartitionName } from "../../src/core/routing/route.ts";
import { Bench } from "./bench.ts";

const SECOND = 1_000;
const IDLE = 15 * SECOND;
const users = Array.from({ length: 2_000 }, (_, i) => `somebody-${i}`);
const controlUser = users.find(isControl) ?? "";

/** A partition that has learned that `q/2` follows `q/1`, and has gone quiet. */
async function taught(settings: ConstructorParameters<typeof Bench>[0] = {}): Promise<Bench> {
  const bench = new Bench(settings);
  for (const id of ["q/1", "q/2"]) await bench.put(id, id, { cacheControl: "immutable" });
  for (let i = 0; i < 20; i++) {
    for (const id of ["q/1", "q/2"]) {
      await bench.read(id, { user: i % 5 === 0 ? controlUser : `teacher-${i}` });
      await bench.pass(200);
    }
    bench.partition.invalidate([{ shard: "q/2", uploaded: bench.clock.now() }]);
  }
  // Enough of nothing, late enough by any clock, that no prediction waits for its outcome.
  for (let i = 0; i < 40; i++) bench.partition.observe([pingOf(`passer-by-${i}`, bench.clock.now() + IDLE)]);
  await bench.pass(IDLE);
  return bench;
}

const pingOf = (user: string, time: number) => ({ type: "ping", user, time, region: "weur" as const });

const plansAfter = async (bench: Bench): Promise<unknown> => {
  await bench.read("q/1", { user: "pupil" });
  await bench.pass(100);
  return bench.partition.explain("q/2").decision;
};

describe("a partition that comes back after an idle while", () => {
  it("shows the same numbers, and pauses and proves by the same evidence", async () => {
    const bench = await taught();
    const { incarnation: _, memory: __, ...before } = bench.partition.status();
    const explained = bench.partition.explain("q/2").engine;
    bench.evict();
    const { incarnation: ___, memory: ____, ...after } = bench.partition.status();
    expect(after).toMatchObject({
      ...before,
      settingsVersion: after.settingsVersion,
      mapVersion: after.mapVersion,
    });
    expect(after.counts.controlRequests).toBe(8);
    expect(bench.partition.explain("q/2").engine).toMatchObject({
      ...explained,
      verdict: expect.any(String),
    });
  });

  it("fetches ahead what it had learned, with the probability it had", async () => {
    const [stayed, came] = [await taught(), await taught()];
    came.evict();
    const [before, after] = [await plansAfter(stayed), await plansAfter(came)];
    expect(before).toMatchObject({ reason: "predicted", probability: expect.any(Number) });
    expect(after).toMatchObject({ reason: "predicted", after: "q/1" });
    const p = (decision: unknown) => Number(Reflect.get(Object(decision), "probability"));
    expect(p(after)).toBeCloseTo(p(before), 6);
  });

  it("reports what it counted once", async () => {
    const bench = await taught();
    bench.evict();
    await bench.read("q/1");
    await bench.pass(IDLE);
    const reads = bench.reports.reduce((sum, { totals }) => sum + totals.reads, 0);
    expect(reads).toBe(bench.partition.status().counts.reads);
    expect(reads).toBe(41);
  });

  it("has forgotten all when it was told to, though it comes back", async () => {
    const bench = await taught();
    await bench.run(bench.host.call((node) => node.forget()));
    bench.evict();
    expect(bench.partition.status().counts.reads).toBe(0);
    expect(bench.partition.explain("q/2").engine.demands).toBe(0);
  });

  it("knows no user's id in what it stored", async () => {
    const bench = await taught();
    const stored = JSON.stringify(
      await bench.host.call(() => bench.host.storage.view(() => false).kv.get(MIND)),
      (_key, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value),
    );
    expect(stored).toContain("q/2");
    for (const user of [controlUser, "teacher", "somebody"]) expect(stored).not.toContain(user);
  });
});

describe("a damaged mind", () => {
  it.each([
    ["of another version", (mind: Record<string, unknown>) => ({ ...mind, version: 0 })],
    ["cut short", ({ content: _, ...rest }: Record<string, unknown>) => rest],
    ["with a wrong sum", (mind: Record<string, unknown>) => ({ ...mind, checksum: 7 })],
    ["that is no mind", () => "mind"],
  ])("%s is dropped and counted as a fault, and reads go on", async (_what, damage) => {
    const bench = await taught();
    const storage = bench.host.storage.view(() => false);
    await storage.put(MIND, damage(storage.kv.get(MIND) as Record<string, unknown>), {
      allowUnconfirmed: false,
    });
    bench.evict();
    expect(bench.partition.status().counts).toMatchObject({ reads: 0, faults: 1 });
    expect((await bench.read("q/1")).text).toBe("q/1");
  });
});

describe("the mind's saves", () => {
  it("are at most four a minute, whatever the traffic, and leave nothing unsaved when it ends", () => {
    const gaps = fc.array(fc.integer({ min: 20, max: 30_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(gaps, (list) => {
        const saves = savesOf(list);
        for (const [i, at] of saves.entries())
          expect(saves.filter((other, j) => j >= i && other < at + 60_000).length).toBeLessThanOrEqual(4);
        const last = list.reduce((sum, gap) => sum + gap, 0);
        expect(saves.at(-1)).toBeGreaterThanOrEqual(last);
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it("come before an idle object leaves memory", () => {
    // Reads for half a minute, then none.
    const saves = savesOf(Array(150).fill(200));
    expect(saves.at(-1)).toBeLessThan(30_000 + 9_000);
    expect(saves.length).toBeLessThanOrEqual(4);
  });
});

/** When saves happen, ms, with events after each of `gaps` and an alarm as the node sets it. */
function savesOf(gaps: readonly number[]): readonly number[] {
  const schedule = new SaveSchedule();
  const saves: number[] = [];
  let alarm = Number.POSITIVE_INFINITY;
  const passTo = (time: number): void => {
    while (alarm <= time) {
      const now = alarm;
      const wait = schedule.wait(now);
      alarm = wait === null || wait === 0 ? Number.POSITIVE_INFINITY : now + wait;
      if (wait !== 0) continue;
      schedule.saved(now);
      saves.push(now);
    }
  };
  let now = 0;
  for (const gap of gaps) {
    now += gap;
    passTo(now);
    schedule.note(now);
    alarm = Math.min(alarm, now + 5 * SECOND);
  }
  passTo(now + 300_000);
  return saves;
}

const addressOf = (name: string): PartitionAddress => parsePartitionName(name) ?? expect.fail();

describe("a new slot or generation", () => {
  const topology = { version: 9, regions: { weur: { generation: 2, slots: 2 } } };
  const OLD = "g1:weur:0";

  /** One that hears of this topology and can ask the partitions given; those that it asked. */
  async function begun(name: string, siblings: Readonly<Record<string, unknown>>) {
    const bench = new Bench({}, addressOf(name));
    const asked: string[] = [];
    bench.askMind = async (partition) => {
      asked.push(partition);
      const answer = siblings[partition];
      if (answer instanceof Error) throw answer;
      return structuredClone(answer ?? null);
    };
    const { answer } = bench;
    bench.answer = async (beat) => ({ ...(await answer(beat)), topology });
    for (const id of ["q/1", "q/2"]) await bench.put(id, id, { cacheControl: "immutable" });
    await bench.read("other");
    await bench.pass(SECOND);
    return { bench, asked };
  }

  it("knows what its sibling knows, and counts nothing of it", async () => {
    const mind = (await taught()).partition.mind();
    const { bench, asked } = await begun("g2:weur:1", { [OLD]: mind });
    expect(asked).toEqual(["g2:weur:0", OLD]);
    expect(bench.partition.explain("q/2").engine.demands).toBe(20);
    expect(bench.partition.status().counts.reads).toBe(1);
    expect(await plansAfter(bench)).toMatchObject({ reason: "predicted", after: "q/1" });
  });

  it("asks once, and only where it has no mind of its own", async () => {
    const { bench, asked } = await begun("g2:weur:0", {});
    await bench.pass(IDLE);
    await bench.read("other");
    await bench.pass(IDLE);
    bench.evict();
    await bench.read("other");
    await bench.pass(IDLE);
    expect(asked).toEqual([OLD]);
  });

  it.each([
    ["does not answer", new Error("gone")],
    ["answers nonsense", { version: 1, checksum: 1, content: "mind" }],
  ])("goes on without when the sibling %s: a fault", async (_what, answer) => {
    const { bench } = await begun("g2:weur:0", { [OLD]: answer });
    expect(bench.partition.status().counts.faults).toBe(1);
    expect((await bench.read("q/1")).text).toBe("q/1");
  });

  it("asks nobody where it is the first, or is no part of the topology", () => {
    expect(siblingsOf(addressOf(OLD), INITIAL_TOPOLOGY)).toEqual([]);
    expect(siblingsOf(addressOf(OLD), topology)).toEqual([]);
    expect(siblingsOf(addressOf("g2:weur:7"), topology)).toEqual([]);
  });
});
