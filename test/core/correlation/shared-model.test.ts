import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SharedModel } from "../../../src/core/correlation/shared-model.ts";
import { patternKey } from "../../../src/core/keys.ts";
import { noCounts } from "../../../src/core/reporting/read-counts.ts";
import type { ReportBody } from "../../../src/core/reporting/report.ts";
import { Reporter } from "../../../src/core/reporting/reporter.ts";
import { difference, probabilities, read, reportOf, SMALL, START, sequence } from "../reports.ts";

const DAY = 86_400_000;
const target = (region: string): string => `g1:${region}:0`;

describe("the shared model", () => {
  it("gives what comes within the horizon its true probability, and its delay, at every step", () => {
    const model = new SharedModel();
    model.merge("weur", sequence(["a", "b", "c"], 99, START), START);
    const after = model.followers("s:a", START);
    expect(after.map(({ to }) => to)).toEqual(["s:b", "s:c"]);
    for (const { probability } of after) expect(probability).toBeCloseTo(0.99, 9);
    expect(after.map(({ delay }) => Math.round(delay))).toEqual([1_000, 2_000]);
  });

  it("does not take a popular shard for a successor of everything", () => {
    const model = new SharedModel();
    // `home` follows each shard half the time, whatever it is; `b` follows `a` only.
    const pairs = [
      ["a", "b"],
      ["a", "home"],
      ["c", "home"],
      ["c", "d"],
      ["home", "x"],
      ["b", "home"],
      ["d", "home"],
    ];
    for (const [i, pair] of pairs.entries())
      model.merge("weur", sequence(pair, 10, START + i * 100_000), START);
    const entries = new Map(model.deltaSince(0, "weur", START)?.entries);
    expect(entries.get("s:a")?.map(([shard]) => shard)).toEqual(["b"]);
    const types = reportOf(
      Array.from({ length: 40 }, (_, i) => [
        read(`v${i}`, `other/${i}`, START, { type: "login" }),
        read(`v${i}`, "profile", START + 500, { type: i % 2 === 0 ? "read" : "open" }),
        { ...read(`w${i}`, `some/${i}`, START, { type: "search" }) },
        { ...read(`w${i}`, `else/${i}`, START + 500) },
      ]).flat(),
    );
    model.merge("weur", types, START + DAY);
    const map = model.probabilityMap(START + DAY, target);
    expect(map.login?.profile?.probability).toBeGreaterThan(0.8);
    expect(map.login?.profile?.targetPartition).toBe("g1:weur:0");
  });

  it("tells what is likely, though it comes as often after everything", () => {
    const model = new SharedModel();
    for (let i = 0; i < 9; i++)
      model.merge("weur", sequence(["a", "b"], 2, START + i, { type: "open" }), START + i);
    expect(new Map(model.deltaSince(0, "oc", START + 9)?.entries).get("e:open")?.[0]?.[0]).toBe("b");
  });

  it("names the partition of the region that wants a shard most as its target", () => {
    const model = new SharedModel();
    const taught = () => sequence(["in", "out"], 10, START, {});
    const login = reportOf(
      Array.from({ length: 30 }, (_, i) => [
        read(`u${i}`, `page/${i}`, START, { type: "login" }),
        read(`u${i}`, "profile", START + 300),
        read(`x${i}`, `page/${i}`, START),
      ]).flat(),
    );
    model.merge("weur", taught(), START);
    model.merge("weur", login, START);
    for (let i = 0; i < 3; i++) model.merge("oc", login, START + i);
    expect(model.probabilityMap(START, target).login?.profile?.targetPartition).toBe("g1:oc:0");
  });

  it("keeps probabilities in [0, 1] and lets them decay to nothing", () => {
    const events = fc.array(
      fc.tuple(fc.nat(3), fc.nat(12), fc.nat(40_000), fc.constantFrom("read", "open", "save")),
      { minLength: 1, maxLength: 80 },
    );
    fc.assert(
      fc.property(events, (steps) => {
        const model = new SharedModel(SMALL);
        const reporter = new Reporter();
        let time = START;
        for (const [user, shard, wait, type] of steps) {
          time += wait;
          reporter.observe(read(`u${user}`, `s${shard}`, time, { type }));
          const body = reporter.take(noCounts());
          if (body !== null) model.merge("weur", body, time);
        }
        const keys = ["e:read", "e:open", "e:save", ...Array.from({ length: 13 }, (_, i) => `s:s${i}`)];
        for (const p of probabilities(model, keys, time).values()) {
          expect(p).toBeGreaterThanOrEqual(0);
          expect(p).toBeLessThanOrEqual(1);
        }
        for (const p of probabilities(model, keys, time + 365 * DAY).values()) expect(p).toBeLessThan(1e-6);
        expect(model.probabilityMap(time + 365 * DAY, target)).toEqual({});
      }),
      { seed: 43, numRuns: 60 },
    );
  });

  it("counts the same across a landmark that moves", () => {
    const direct = new SharedModel();
    const moved = new SharedModel();
    const late = START + 2 * DAY;
    direct.merge("weur", sequence(["a", "b"], 5, late), late);
    moved.merge("weur", sequence(["x", "y"], 5, START), START);
    moved.merge("weur", sequence(["a", "b"], 5, late), late);
    const keys = ["s:a", "s:b"];
    expect(difference(probabilities(direct, keys, late), probabilities(moved, keys, late))).toBeLessThan(
      1e-12,
    );
    const [before] = moved.followers("s:x", late);
    // Two days later the counts have decayed by e^(−2/7), and weigh the less against the unknown.
    const count = 5 * Math.exp(-2 / 7);
    expect(before?.probability).toBeCloseTo(count / (count + 1), 9);
  });

  it("keeps what is frequent within its bounds under a flood of shards and types", () => {
    const model = new SharedModel(SMALL);
    for (let round = 0; round < 200; round++) {
      const time = START + round * 1_000;
      const flood = reportOf(
        Array.from({ length: 40 }, (_, i) =>
          read(`u${i % 5}`, `flood/${round}/${i}`, time + i, { type: `t${round}-${i % 9}` }),
        ),
      );
      model.merge("weur", flood, time);
      model.merge("weur", sequence(["a", "b"], 6, time), time);
    }
    const now = START + 200_000;
    expect(model.followers("s:a", now)[0]?.to).toBe("s:b");
    expect(model.followers("s:a", now)[0]?.probability).toBeGreaterThan(0.8);
    expect(model.demand("weur", now).length).toBeLessThanOrEqual(SMALL.demand);
    expect(model.demand("weur", now)[0]?.shard).toMatch(/^[ab]$/);
    expect(model.rates(now).length).toBeLessThanOrEqual(SMALL.series);
    expect(model.correlations(now).length).toBeLessThanOrEqual(SMALL.types[0] * SMALL.types[1]);
    // What a newcomer inherits is no evidence: nothing that came once is likely.
    for (let i = 0; i < 40; i++)
      for (const { probability } of model.followers(`s:flood/199/${i}`, now))
        expect(probability).toBeLessThan(0.7);
    expect(model.toState().data.length).toBeLessThan((SMALL.stateBytes * 4) / 3 + 4_000);
  });

  it("takes none of three hundred single successors for likely", () => {
    const model = new SharedModel(SMALL);
    // An hour apart, so that the long term alone speaks.
    const hour = (i: number): number => START + i * 3_600_000;
    for (let i = 0; i < 300; i++) model.merge("weur", sequence(["hub", `leaf/${i}`], 1, hour(i)), hour(i));
    for (const { probability } of model.followers("s:hub", hour(301))) expect(probability).toBeLessThan(0.05);
  });

  it("ignores what a broken report refers to", () => {
    const model = new SharedModel(SMALL);
    const broken: ReportBody = {
      ...sequence(["a", "b"], 2, START),
      names: ["s:a", "e:read"],
      seen: [
        [0, 1],
        [9, 1],
        [1, 4],
      ],
      edges: [
        [0, 7, 3, 1],
        [7, 0, 3, 1],
        [0, 1, 3, 1],
      ],
      rates: [
        [1, 9_999_999_999, 2],
        [0, 3, 1],
      ],
      demand: [[1, 5]],
    };
    model.merge("weur", broken, START);
    expect(model.demand("weur", START)).toEqual([]);
    expect(model.rates(START + 60_000).map(({ type }) => type)).toEqual(["read"]);
    expect(model.deltaSince(0, "weur", START)?.entries ?? []).toEqual([]);
    expect(model.followers("s:a", START)).toEqual([]); // An event type does not follow a shard.
  });
});

describe("the stored state", () => {
  const stream = (rounds: number, from = START): [ReportBody, number][] =>
    Array.from({ length: rounds }, (_, round) => {
      const time = from + round * 7_000;
      const events = Array.from({ length: 30 }, (_, i) =>
        read(`u${i % 4}`, `s${(i * (1 + (round % 3))) % 12}`, time - 5_000 + i * 100, {
          type: i % 5 === 0 ? "open" : "read",
        }),
      );
      return [reportOf(events), time];
    });
  const keys = [
    "e:read",
    "e:open",
    patternKey("open", "read"),
    ...Array.from({ length: 12 }, (_, i) => `s:s${i}`),
  ];
  const merged = (model: SharedModel, reports: readonly [ReportBody, number][]): SharedModel => {
    for (const [body, time] of reports) model.merge("weur", body, time);
    return model;
  };

  it("brings back a model that behaves the same, now and with what comes", () => {
    const model = merged(new SharedModel(), stream(40));
    const now = START + 40 * 7_000;
    const state = JSON.parse(JSON.stringify(model.toState()));
    const restored = SharedModel.fromState(state);
    const later = stream(10, now + 60_000);
    for (const time of [now, now + 600_000]) {
      expect(probabilities(restored, keys, time)).toEqual(probabilities(model, keys, time));
      expect(restored.probabilityMap(time, target)).toEqual(model.probabilityMap(time, target));
      expect(restored.rates(time)).toEqual(model.rates(time));
      expect(restored.correlations(time)).toEqual(model.correlations(time));
      expect(restored.surges(time)).toEqual(model.surges(time));
      expect(restored.demand("weur", time)).toEqual(model.demand("weur", time));
      expect(restored.outcomes(time)).toEqual(model.outcomes(time));
      expect(restored.calibration(time)).toEqual(model.calibration(time));
      merged(model, later);
      merged(restored, later);
    }
    expect(restored.toState()).toEqual(model.toState());
  });

  it("is empty for a model that learned nothing", () => {
    const restored = SharedModel.fromState(new SharedModel().toState());
    expect(restored.correlations(START)).toEqual([]);
    expect(restored.deltaSince(0, "weur", START)).toBeNull();
  });

  it("is refused when it is damaged", () => {
    const { data } = merged(new SharedModel(), stream(5)).toState();
    expect(() => SharedModel.fromState({ format: 3, data: data.slice(0, 400) })).toThrow();
    expect(() => SharedModel.fromState({ format: 3, data: "no base64!" })).toThrow();
  });

  it("leaves the rarest rows out when it would not fit", () => {
    const bounds = { ...SMALL, shards: [4_000, 4] as const, stateBytes: 20_000 };
    const model = new SharedModel(bounds);
    model.merge("weur", sequence(["often/1", "often/2"], 30, START), START);
    for (let i = 0; i < 60; i++)
      model.merge(
        "weur",
        sequence(
          Array.from({ length: 20 }, (_, j) => `rare/${i}/${j}`),
          1,
          START,
        ),
        START + i,
      );
    const state = model.toState();
    expect(state.data.length).toBeLessThan(30_000);
    const restored = SharedModel.fromState(state, bounds);
    expect(restored.followers("s:often/1", START)).toEqual(model.followers("s:often/1", START));
  });
});
