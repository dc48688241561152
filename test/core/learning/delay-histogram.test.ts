import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DelayHistogram, delayBin, delayQuantile } from "../../../src/core/learning/delay-histogram.ts";
import { millis } from "../../../src/core/units.ts";

const BINS = 16;

describe("delays", () => {
  it("are binned by doublings, and give their median", () => {
    expect([0, 0.5, 1, 1.9, 2, 1_000, 30_000, 1e12].map((delay) => delayBin(delay, BINS))).toEqual([
      0, 0, 1, 1, 2, 10, 15, 15,
    ]);
    const bins = new Float32Array(2 * BINS);
    for (let delay = 512; delay < 1_024; delay += 8) {
      const at = BINS + delayBin(delay, BINS);
      bins[at] = (bins[at] ?? 0) + 1;
    }
    expect(delayQuantile(bins, BINS, BINS, 0.5)).toBeCloseTo(768, -1);
    expect(delayQuantile(bins, 0, BINS, 0.5)).toBeUndefined();
  });
});

describe("DelayHistogram", () => {
  it("has quantiles that rise, each within a doubling of the true one", () => {
    const delays = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(delays, (list) => {
        const histogram = new DelayHistogram();
        for (const delay of list) histogram.add(millis(delay));
        const sorted = [...list].sort((a, b) => a - b);
        sorted.forEach((delay, i) => {
          const said = histogram.quantile((i + 1) / list.length, millis(0));
          expect(said).toBeGreaterThan(delay / 2 - 1e-6);
          expect(said).toBeLessThanOrEqual(delay * 2 + 1e-6);
        });
      }),
      { seed: 52 },
    );
  });

  it("follows change: what came ten thousand arrivals ago hardly counts", () => {
    const histogram = new DelayHistogram();
    for (let i = 0; i < 10_000; i++) histogram.add(millis(100_000));
    for (let i = 0; i < 10_000; i++) histogram.add(millis(10));
    expect(histogram.quantile(0.9, millis(0))).toBeLessThan(20);
    expect(new DelayHistogram().quantile(0.9, millis(7))).toBe(7);
  });

  it("returns from its state as it was", () => {
    const histogram = new DelayHistogram();
    for (const delay of [3, 70, 900]) histogram.add(millis(delay));
    const restored = new DelayHistogram();
    restored.restore(histogram.toState());
    expect(restored.toState()).toEqual(histogram.toState());
    expect(restored.quantile(0.5, millis(0))).toBe(histogram.quantile(0.5, millis(0)));
  });
});
