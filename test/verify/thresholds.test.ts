import { expect, it } from "vitest";
import { isMissed, verdict } from "../../verify/thresholds.ts";

it("a threshold is met at what is allowed, and missed above it or without a figure", () => {
  const missed = (measured: number): boolean => isMissed({ what: "ratio", measured, allowed: 0.85 });
  expect([missed(0.85), missed(0.851), missed(Number.NaN)]).toEqual([false, true, true]);
});

it("a verdict says by how much a threshold is missed", () => {
  expect(verdict({ what: "mean", measured: 0.9, allowed: 0.85 })).toBe(
    "mean: 0.9000, at most 0.85: MISSED by 0.0500",
  );
  expect(verdict({ what: "mean", measured: 0.8, allowed: 0.85 })).toMatch(/: met$/);
});
