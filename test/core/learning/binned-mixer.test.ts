import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BinnedMixer, fromLogOdds, logOdds } from "../../../src/core/learning/binned-mixer.ts";

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
