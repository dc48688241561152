import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CalibrationStats } from "../../../src/core/learning/calibration-stats.ts";

describe("CalibrationStats", () => {
  it("finds no error in what is right on average", () => {
    const stats = new CalibrationStats();
    for (let i = 0; i < 100; i++) stats.add(0.25, i % 4 === 0 ? 1 : 0);
    expect(stats.error).toBeCloseTo(0, 9);
    expect(stats.brier).toBeCloseTo(0.1875, 9);
  });

  it("stays between 0 and 1 and never says more error than there is", () => {
    const outcomes = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 1 })),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(outcomes, (list) => {
        const stats = new CalibrationStats();
        for (const [p, label] of list) stats.add(p, label);
        const distance = list.reduce((sum, [p, label]) => sum + Math.abs(p - label), 0) / list.length;
        expect(stats.count).toBe(list.length);
        expect(stats.brier).toBeLessThanOrEqual(1);
        expect(stats.error).toBeLessThanOrEqual(distance + 1e-9);
      }),
    );
  });
});
