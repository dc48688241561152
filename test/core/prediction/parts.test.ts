import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Calibrator } from "../../../src/core/prediction/calibrator.ts";
import { IdParts } from "../../../src/core/prediction/id-parts.ts";
import { delayOf, RowTable } from "../../../src/core/prediction/row-table.ts";
import { UserHistories } from "../../../src/core/prediction/user-histories.ts";

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
});

describe("a RowTable's delays", () => {
  const learned = (delays: readonly number[]): number | undefined => {
    const rows = new RowTable({ rows: 16, slots: 3, halveAt: 32, delays: true });
    const row = rows.findOrAdd(5);
    for (const delay of delays) rows.addDelay(rows.add(row, 7), delay);
    return delayOf(rows.delayStep(row * 3));
  };

  it("are within a tenth of what is always the same", () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 10_000_000 }), (delay) => {
        expect(Math.abs((learned(Array(10).fill(delay)) ?? 0) / delay - 1)).toBeLessThan(0.1);
      }),
    );
  });

  it("are of the early ones where they differ: what mostly comes late may come soon", () => {
    const delays = Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 2_000 : 60_000));
    expect(learned(delays)).toBeLessThan(12_000);
    expect(learned(delays)).toBeGreaterThan(1_000);
  });

  it("are unknown for a target that has none yet", () => {
    expect(learned([])).toBeUndefined();
  });
});

describe("a part of a RowTable's row", () => {
  const rowsOf = (part: readonly number[], rest: readonly number[]) => {
    const rows = new RowTable({ rows: 16, slots: 3, halveAt: 120 });
    const [whole, typed] = [rows.findOrAdd(4), rows.findOrAdd(9)];
    for (const [row, targets] of [
      [whole, [...part, ...rest]],
      [typed, part],
    ] as const)
      for (const target of targets) {
        rows.visit(row);
        rows.add(row, target);
      }
    return rows.distinctness(typed, whole);
  };

  it("is distinct where something else follows than otherwise", () => {
    expect(rowsOf([1, 1], [2, 2])).toBeGreaterThan(2.7);
    expect(rowsOf([1, 1, 1, 1], [2, 2, 2, 2])).toBeGreaterThan(5);
  });

  it("is not where the same follows, or was seen once", () => {
    expect(rowsOf([1, 1, 2, 2], [1, 1, 2, 2])).toBeCloseTo(0);
    expect(rowsOf([1], [2, 2, 2])).toBe(0);
  });
});

describe("UserHistories", () => {
  const stepAt = (reference: number) => ({ reference, context: reference * 31, other: 0, isTyped: false });

  it("remember each user's latest steps, and no more users than they may", () => {
    const streams = new UserHistories(4);
    for (let user = 0; user < 20; user++) {
      const slot = streams.slotOf(`u${user}`);
      expect(slot).toBeLessThan(4);
      expect(streams.at(slot, 1)).toBe(0);
      for (let step = 1; step <= 40; step++) streams.push(slot, stepAt(step), step, step * 1_000);
      expect([streams.at(slot, 1), streams.at(slot, 32), streams.at(slot, 33)]).toEqual([40, 9, 0]);
    }
  });

  it("tell when the step after a moment came", () => {
    const streams = new UserHistories(4);
    const slot = streams.slotOf("u");
    streams.push(slot, stepAt(1), 10, 1_000);
    expect(streams.tickAfter(slot, 1)).toBe(Number.POSITIVE_INFINITY);
    streams.push(slot, stepAt(2), 25, 2_500);
    expect(streams.tickAfter(slot, 1)).toBe(25);
    expect(streams.sinceLast(slot, 4_000)).toBe(1_500);
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

describe("Calibrator", () => {
  it("believes experience where it is below what was said", () => {
    const calibrator = new Calibrator(1);
    const bin = calibrator.binOf(2, 0);
    for (let i = 0; i < 500; i++) calibrator.learn(bin, i % 5 === 0 ? 1 : 0);
    expect(calibrator.correct(2, bin)).toBeLessThan(0.35);
    expect(calibrator.correct(2, bin)).toBeGreaterThan(0.1);
  });
});
