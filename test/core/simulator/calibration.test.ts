import { describe, expect, it } from "vitest";
import { Calibration } from "../../../simulator/calibration.ts";

describe("calibration", () => {
  it("is perfect when what is said is what happens", () => {
    const calibration = new Calibration();
    for (let time = 0; time < 100; time++) calibration.add(0.25, time % 4 === 0);
    expect(calibration.error).toBeCloseTo(0);
    expect(calibration.brier).toBeCloseTo(0.25 * 0.75);
  });

  it("weighs each bin's error by how often it was used", () => {
    const calibration = new Calibration();
    for (let time = 0; time < 30; time++) calibration.add(0.9, true);
    for (let time = 0; time < 10; time++) calibration.add(0.3, false);
    expect(calibration.error).toBeCloseTo(0.75 * 0.1 + 0.25 * 0.3);
    expect(calibration.bins().map(({ count }) => count)).toEqual([10, 30]);
  });

  it("says nothing before the first probability", () => {
    expect([new Calibration().error, new Calibration().brier]).toEqual([undefined, undefined]);
  });

  it.each([0, 1e-9, 0.001, 0.5, 1])("takes the probability %d", (probability) => {
    const calibration = new Calibration();
    calibration.add(probability, probability > 0.4);
    expect(calibration.error).toBeLessThan(0.51);
  });
});
