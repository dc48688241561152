import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArrivalHistogram } from "../../../src/core/learning/arrival.ts";
import { BinnedMixer, fromLogOdds, logOdds } from "../../../src/core/learning/binned-mixer.ts";
import { CalibrationStats } from "../../../src/core/learning/calibration-stats.ts";
import { EVENT, ShardTable } from "../../../src/core/learning/shard-table.ts";
import { Calibrator } from "../../../src/core/prediction/calibrator.ts";
import { IdParts } from "../../../src/core/prediction/id-parts.ts";
import { RowTable } from "../../../src/core/prediction/row-table.ts";
import { UserHistories } from "../../../src/core/prediction/user-histories.ts";
import { bytes, millis } from "../../../src/core/units.ts";

const mixer = (): BinnedMixer =>
  new BinnedMixer({
    bins: [4, 4],
    sets: 1,
    initialWeight: 0.5,
    learningRate: 0.02,
    binRate: 0.01,
    prior: () => 0.5,
  });

describe("BinnedMixer", () => {
  it("learns which bins say yes, and stays between 0 and 1", () => {
    const learner = mixer();
    const label = fc.record({ a: fc.nat(3), b: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 200 }), (list) => {
        for (const { a, b } of list) learner.learn(Int16Array.of(a, b), 0, 0, a === 2 ? 1 : 0);
        for (const { a, b } of list) {
          const p = fromLogOdds(learner.mix(Int16Array.of(a, b), 0, 0));
          expect(p).toBeGreaterThanOrEqual(0);
          expect(p).toBeLessThanOrEqual(1);
        }
      }),
    );
    for (let i = 0; i < 400; i++) learner.learn(Int16Array.of(i % 4, 0), 0, 0, i % 4 === 2 ? 1 : 0);
    expect(fromLogOdds(learner.mix(Int16Array.of(2, 0), 0, 0))).toBeGreaterThan(0.8);
    expect(fromLogOdds(learner.mix(Int16Array.of(1, 0), 0, 0))).toBeLessThan(0.2);
  });

  it("returns from its state as it was", () => {
    const learner = mixer();
    for (let i = 0; i < 50; i++) learner.learn(Int16Array.of(i % 4, i % 3), 0, 0, i % 2);
    const restored = mixer();
    restored.restore(learner.toState());
    expect(restored.toState()).toEqual(learner.toState());
    expect(restored.mix(Int16Array.of(1, 1), 0, 0)).toBe(learner.mix(Int16Array.of(1, 1), 0, 0));
  });

  it("has tables close to the functions they stand for", () => {
    for (let p = 0.01; p < 1; p += 0.01) expect(fromLogOdds(logOdds(p))).toBeCloseTo(p, 2);
  });
});

describe("RowTable", () => {
  const table = () => new RowTable({ rows: 16, slots: 3, halveAt: 32 });

  it("finds the target that always comes, through any noise", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 100, max: 1_000 }), { minLength: 60, maxLength: 60 }),
        (noise) => {
          const rows = table();
          const row = rows.findOrAdd(99);
          for (const target of noise) {
            rows.visit(row);
            rows.add(row, 7);
            rows.add(row, target);
          }
          const slots = [0, 1, 2].map((i) => row * 3 + i);
          const kept = slots.find((slot) => rows.targets[slot] === 7);
          expect(kept).toBeDefined();
          expect(rows.count(kept ?? 0) / rows.total(row)).toBeGreaterThan(0.9);
        },
      ),
    );
  });

  it("returns from its state as it was", () => {
    const rows = table();
    for (let key = 1; key < 12; key++) {
      const row = rows.findOrAdd(key);
      rows.visit(row);
      rows.add(row, key * 3);
    }
    const restored = table();
    restored.restore(rows.toState());
    expect(restored.toState()).toEqual(rows.toState());
  });
});

describe("ShardTable", () => {
  it("gives the same handle to the same id, and another to an event of that name", () => {
    const shards = new ShardTable(bytes(1e6));
    expect(shards.intern("a")).toBe(shards.intern("a"));
    expect(shards.intern("a")).not.toBe(shards.intern("a", EVENT));
    expect(shards.find("a")).toBe(shards.intern("a"));
    expect(shards.find("b")).toBe(0);
  });

  it("stays within its bytes, and knows references of handles that were given to others for stale", () => {
    const shards = new ShardTable(bytes(100_000));
    const references = Array.from({ length: 3_000 }, (_, i) => shards.reference(shards.intern(`shard-${i}`)));
    expect(shards.bytes).toBeLessThanOrEqual(100_000);
    references.forEach((reference, i) => {
      const handle = shards.resolve(reference);
      if (handle !== 0) expect(shards.ids[handle]).toBe(`shard-${i}`);
    });
    expect(references.filter((reference) => shards.resolve(reference) === 0).length).toBeGreaterThan(2_000);
  });
});

describe("Streams", () => {
  it("remember each user's latest steps, and no more users than they may", () => {
    const streams = new UserHistories(4);
    for (let user = 0; user < 20; user++) {
      const slot = streams.slotOf(`u${user}`);
      expect(slot).toBeLessThan(4);
      expect(streams.at(slot, 1)).toBe(0);
      for (let step = 1; step <= 40; step++) streams.push(slot, step, step);
      expect([streams.at(slot, 1), streams.at(slot, 32), streams.at(slot, 33)]).toEqual([40, 9, 0]);
    }
  });

  it("tell when the step after a moment came", () => {
    const streams = new UserHistories(4);
    const slot = streams.slotOf("u");
    streams.push(slot, 1, 10);
    expect(streams.tickAfter(slot, 1)).toBe(Number.POSITIVE_INFINITY);
    streams.push(slot, 2, 25);
    expect(streams.tickAfter(slot, 1)).toBe(25);
  });
});

describe("IdParts", () => {
  const parse = (id: string): IdParts => {
    const parts = new IdParts();
    parts.parse(id);
    return parts;
  };

  it("finds the last numbers and puts others in their place", () => {
    const parts = parse("tiles/5/10/012.png");
    expect([...parts.value].slice(0, parts.numbers)).toEqual([12, 10, 5]);
    expect(parts.withNumber("tiles/5/10/012.png", 0, 13)).toBe("tiles/5/10/013.png");
    expect(parts.withNumber("tiles/5/10/012.png", 1, 9)).toBe("tiles/5/9/012.png");
    expect(parts.withNumber("tiles/5/10/012.png", 0, -1)).toBe("");
  });

  it("sees the same shape in ids that differ in names and numbers only", () => {
    expect(parse("film-a/seg-9.ts").shape).toBe(parse("film-bc/seg-1234.ts").shape);
    expect(parse("film-a/seg-9.ts").shape).not.toBe(parse("film/a/seg-9.ts").shape);
  });
});

describe("ArrivalHistogram", () => {
  const delays = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 50 });

  it("has a survival that falls from 1 to 0, and probabilities that are some", () => {
    fc.assert(
      fc.property(delays, fc.double({ min: 0, max: 1, noNaN: true }), (list, p) => {
        const arrival = new ArrivalHistogram();
        for (const delay of list) arrival.add(millis(delay));
        let before = 1;
        for (let elapsed = 0; elapsed < 3e6; elapsed += 99_991) {
          const now = arrival.survival(millis(elapsed));
          expect(now).toBeLessThanOrEqual(before + 1e-12);
          before = now;
          const within = arrival.arrivesWithin(
            p,
            millis(elapsed),
            millis(elapsed + 10),
            millis(elapsed + 5_000),
          );
          expect(within).toBeGreaterThanOrEqual(0);
          expect(within).toBeLessThanOrEqual(1);
        }
        expect(arrival.survival(millis(4e9))).toBeCloseTo(0, 9);
      }),
    );
  });

  it("returns from its state as it was, and fades to nothing", () => {
    const arrival = new ArrivalHistogram();
    for (const delay of [3, 70, 900]) arrival.add(millis(delay));
    expect(ArrivalHistogram.fromState(arrival.toState()).toState()).toEqual(arrival.toState());
    arrival.scale(1e-9);
    expect(arrival.total).toBeLessThan(1e-8);
  });
});

describe("Reliability", () => {
  it("is the same merged as seen at once, in either order", () => {
    const outcomes = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 1 })),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(outcomes, outcomes, (one, two) => {
        const of = (list: typeof one): CalibrationStats => {
          const reliability = new CalibrationStats();
          for (const [p, label] of list) reliability.add(p, label);
          return reliability;
        };
        const merged = of(one);
        merged.merge(of(two).toState());
        const all = of([...two, ...one]);
        expect(merged.count).toBe(all.count);
        expect(merged.brier).toBeCloseTo(all.brier, 9);
        expect(merged.error).toBeCloseTo(all.error, 9);
        expect(CalibrationStats.fromState(all.toState()).toState()).toEqual(all.toState());
      }),
    );
  });

  it("finds no error in what is right on average", () => {
    const reliability = new CalibrationStats();
    for (let i = 0; i < 100; i++) reliability.add(0.25, i % 4 === 0 ? 1 : 0);
    expect(reliability.error).toBeCloseTo(0, 9);
    expect(reliability.brier).toBeCloseTo(0.1875, 9);
  });
});

describe("Calibrator", () => {
  it("believes experience where it is below what was said", () => {
    const calibrator = new Calibrator(1);
    const bin = calibrator.binOf(2, 0);
    for (let i = 0; i < 500; i++) calibrator.learn(bin, i % 5 === 0 ? 1 : 0);
    expect(calibrator.correct(2, bin)).toBeLessThan(0.35);
    expect(calibrator.correct(2, bin)).toBeGreaterThan(0.1);
  });
});
