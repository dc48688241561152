import { describe, expect, it } from "vitest";
import {
  CONTROL_SHARE,
  ControlArm,
  estimate,
  isControl,
  PAUSE,
} from "../../../src/core/experiment/control-arm.ts";

const prices = { prefetchCost: 0.1, dollarsPerMillionReads: 0.36 };

/** A repeatable number in [0, 1) for `i`. */
const draw = (i: number, seed: number): number => {
  let x = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  return ((x ^ (x >>> 12)) >>> 0) / 2 ** 32;
};

/** Fills an arm with requests that miss with the given probabilities. */
function simulate(
  arm: ControlArm,
  requests: number,
  treatedMiss: number,
  controlMiss: number,
  prefetches: number,
) {
  for (let i = 0; i < requests; i++) {
    const control = i % 50 === 0;
    const missed = draw(i, 1) < (control ? controlMiss : treatedMiss);
    arm.record(control, { missed, prefetched: false, millis: missed ? 60 : 2 }, i);
  }
  arm.issued(prefetches);
}

function savingsOf(arm: ControlArm) {
  const { savings } = estimate(arm.counts(), prices);
  if (savings === null) throw new Error("not enough evidence");
  return savings;
}

describe("the control arm", () => {
  it("says nothing without enough evidence in both arms", () => {
    const arm = new ControlArm();
    simulate(arm, 9_000, 0.2, 0.35, 1_000);
    expect(estimate(arm.counts(), prices)).toMatchObject({
      controlRequests: 180,
      needed: 200,
      savings: null,
    });
    expect(estimate(new ControlArm().counts(), prices).savings).toBeNull();
  });

  it("is a small share of users, always the same", () => {
    const users = Array.from({ length: 20_000 }, (_, i) => `user-${i}`);
    const share = users.filter(isControl).length / users.length;
    expect(share).toBeGreaterThan(CONTROL_SHARE * 0.8);
    expect(share).toBeLessThan(CONTROL_SHARE * 1.2);
    expect(users.filter(isControl)).toEqual(users.filter(isControl));
  });

  it("estimates what prefetching saves, within its error", () => {
    const arm = new ControlArm();
    simulate(arm, 50_000, 0.2, 0.35, 15_000);
    const result = savingsOf(arm);
    expect(Math.abs(result.missesSaved - 0.15)).toBeLessThan(3 * result.missesSavedError);
    expect(result.net).toBeCloseTo(result.missesSaved - 0.1 * result.prefetches, 9);
    expect(result.millisSaved).toBeCloseTo(result.missesSaved * 58, 1);
    // Most prefetches are not used here: people wait less, and the storage is read more.
    expect(result.storageReadsSaved).toBeCloseTo(result.missesSaved - result.prefetches, 9);
    expect(result.dollarsSaved).toBeCloseTo((result.storageReadsSaved * 50_000 * 0.36) / 1e6, 9);
    expect(result.dollarsSaved).toBeLessThan(0);
    expect(arm.isPaused(prices, 60_000)).toBe(false);
  });

  it("counts a prefetch made for somebody else as a miss spared, and what prefetches push out against them", () => {
    const arm = new ControlArm();
    for (let i = 0; i < 300; i++) arm.record(true, { missed: false, prefetched: true, millis: 1 }, i);
    for (let i = 0; i < 300; i++) arm.record(false, { missed: false, prefetched: true, millis: 1 }, i);
    expect(savingsOf(arm).missesSaved).toBeCloseTo(1, 9);
    for (let i = 0; i < 600; i++) arm.pushedOut();
    expect(savingsOf(arm).missesSaved).toBeCloseTo(0, 9);
  });

  it("pauses prefetching that surely does not pay, and tries again later with an open mind", () => {
    const arm = new ControlArm();
    simulate(arm, 50_000, 0.3, 0.3, 200_000);
    expect(arm.isPaused(prices, 100_000)).toBe(true);
    expect(arm.pausedUntil(100_000)).toBe(100_000 + PAUSE);
    expect(arm.isPaused(prices, 100_000 + PAUSE - 1)).toBe(true);
    expect(arm.isPaused(prices, 100_000 + PAUSE)).toBe(false);
    expect(arm.counts().treated.requests).toBe(0);
  });

  it("concludes nothing from little", () => {
    const arm = new ControlArm();
    simulate(arm, 100, 1, 0, 1_000);
    expect(estimate(arm.counts(), prices).savings).toBeNull();
    expect(arm.isPaused(prices, 1_000)).toBe(false);
  });

  it("forgets what is long past", () => {
    const arm = new ControlArm();
    simulate(arm, 10_000, 0.5, 0.5, 0);
    arm.record(false, { missed: false, prefetched: false, millis: 1 }, 20 * 3_600_000);
    expect(arm.counts().treated.requests).toBeLessThan(2);
  });
});
