import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addDecayed, type DecayedCount, decayedAt } from "../../../src/core/correlation/decay.ts";
import { Level } from "../../../src/core/correlation/level.ts";
import { Rates } from "../../../src/core/correlation/rates.ts";
import { hourOfWeek, Seasons } from "../../../src/core/correlation/seasons.ts";
import { Sequences } from "../../../src/core/correlation/sequences.ts";
import { isSignificant, lift, logLikelihoodRatio, phi } from "../../../src/core/correlation/significance.ts";
import { SpaceSaving } from "../../../src/core/correlation/space-saving.ts";
import { epochMillis, HOUR, MINUTE } from "../../../src/core/units.ts";

describe("decayed counts", () => {
  it("come out the same in whatever order they are added", () => {
    const additions = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 1_000_000 })),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(additions, (list) => {
        const sum = (order: typeof list): number => {
          const count: DecayedCount = { value: 0, time: epochMillis(0) };
          for (const [n, time] of order) addDecayed(count, n, epochMillis(time), MINUTE);
          return decayedAt(count, epochMillis(1_000_000), MINUTE);
        };
        expect(sum([...list].reverse())).toBeCloseTo(sum(list), 9);
      }),
    );
  });

  it("decay to nothing", () => {
    const count: DecayedCount = { value: 1e6, time: epochMillis(0) };
    expect(decayedAt(count, epochMillis(100 * MINUTE), MINUTE)).toBeLessThan(1e-30);
  });
});

describe("SpaceSaving", () => {
  const stream = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 400 });

  it("errs by no more than n/m, and never says too little", () => {
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 20 }), (keys, places) => {
        const summary = new SpaceSaving<number>(places);
        const exact = new Map<number, number>();
        for (const key of keys) {
          summary.add(key);
          exact.set(key, (exact.get(key) ?? 0) + 1);
        }
        for (const { key, count, error } of summary.top()) {
          const truth = exact.get(key) ?? 0;
          expect(count).toBeGreaterThanOrEqual(truth);
          expect(count - error).toBeLessThanOrEqual(truth);
          expect(error).toBeLessThanOrEqual(keys.length / places);
        }
        const kept = new Set(summary.top().map(({ key }) => key));
        for (const [key, n] of exact) if (n > keys.length / places) expect(kept).toContain(key);
      }),
    );
  });

  it("returns from its state as it was", () => {
    fc.assert(
      fc.property(stream, (keys) => {
        const summary = new SpaceSaving<number>(8);
        for (const key of keys) summary.add(key);
        expect(SpaceSaving.fromState(8, summary.toState()).toState()).toEqual(summary.toState());
      }),
    );
  });
});

describe("Level", () => {
  it("follows a level and is calm while it lasts", () => {
    const level = new Level();
    for (let tick = 0; tick < 200; tick++) expect(level.observe(20 + ((tick * 7) % 5) - 2)).toBe(false);
    expect(level.rate).toBeGreaterThan(17);
    expect(level.rate).toBeLessThan(23);
  });

  it("notices a change once, and settles on the new level", () => {
    const level = new Level();
    for (let tick = 0; tick < 100; tick++) level.observe(20);
    const changes = Array.from({ length: 60 }, () => level.observe(200)).filter(Boolean).length;
    expect(changes).toBe(1);
    expect(level.rate).toBeGreaterThan(150);
    expect(level.changed).toBe(false);
  });

  it("returns from its state as it was", () => {
    const level = new Level();
    for (const n of [3, 5, 4, 80]) level.observe(n);
    expect(Level.fromState(level.toState()).toState()).toEqual(level.toState());
  });
});

describe("Rates", () => {
  it("come out the same in whatever order counts arrive", () => {
    const counts = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 50_000 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(counts, (list) => {
        const run = (order: typeof list) => {
          const rates = new Rates();
          for (const [n, time] of order) rates.count("read", n, epochMillis(1e9 + time));
          rates.advance(epochMillis(1e9 + 400_000));
          return rates.expected("read", epochMillis(1e9 + 400_000), MINUTE);
        };
        expect(run([...list].reverse())).toBeCloseTo(run(list), 9);
      }),
    );
  });

  it("report a significant change of one type alone", () => {
    const rates = new Rates();
    const changed = new Set<string>();
    for (let second = 0; second < 4_000; second += 10) {
      const time = epochMillis(1e12 + second * 1_000);
      rates.count("steady", 20, time);
      rates.count("bursting", second < 3_000 ? 5 : 100, time);
      for (const type of rates.advance(time)) changed.add(type);
    }
    expect([...changed]).toEqual(["bursting"]);
  });
});

describe("Seasons", () => {
  it("know the hour of the week", () => {
    expect(hourOfWeek(epochMillis(Date.UTC(2024, 0, 1, 0, 30)))).toBe(0);
    expect(hourOfWeek(epochMillis(Date.UTC(2024, 0, 7, 23, 59)))).toBe(167);
  });

  it("learn that nine in the morning is busier than three at night", () => {
    const seasons = new Seasons();
    for (let hour = 0; hour < 168 * 4; hour++)
      seasons.observe(epochMillis(hour * HOUR), hour % 24 === 9 ? 100 : 10, 14);
    expect(seasons.factor(epochMillis(9 * HOUR))).toBeGreaterThan(4 * seasons.factor(epochMillis(3 * HOUR)));
  });
});

describe("Sequences", () => {
  it("let each report pass once, in any order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 120 }), (numbers) => {
        const sequences = new Sequences();
        const passed = numbers.filter((n) => sequences.admit("p", n));
        expect([...passed].sort((a, b) => a - b)).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      }),
    );
  });

  it("give a gap up for lost rather than remember for ever", () => {
    const sequences = new Sequences();
    for (let n = 2; n < 3_000; n++) sequences.admit("p", n);
    expect(sequences.gaps("p")).toBeLessThanOrEqual(1_024);
    expect(sequences.admit("p", 1)).toBe(false);
    expect(Sequences.fromState(sequences.toState()).toState()).toEqual(sequences.toState());
  });
});

describe("significance", () => {
  it("finds nothing in independence", () => {
    const pair = { both: 25, first: 50, second: 50, all: 100 };
    expect(lift(pair)).toBe(1);
    expect(logLikelihoodRatio(pair)).toBeCloseTo(0, 9);
    expect(phi(pair)).toBe(0);
    expect(isSignificant(pair)).toBe(false);
  });

  it("finds what always goes together", () => {
    const pair = { both: 50, first: 50, second: 50, all: 100 };
    expect(phi(pair)).toBeCloseTo(1, 9);
    expect(isSignificant(pair)).toBe(true);
  });

  it("makes nothing of a single coincidence", () => {
    expect(isSignificant({ both: 1, first: 1, second: 1, all: 20 })).toBe(false);
  });

  it("keeps φ within −1 and 1 and G² from below 0, whatever the counts", () => {
    const n = fc.integer({ min: 0, max: 1_000 });
    fc.assert(
      fc.property(n, n, n, n, (both, first, second, all) => {
        const pair = { both, first, second, all };
        expect(Math.abs(phi(pair))).toBeLessThanOrEqual(1);
        expect(logLikelihoodRatio(pair)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
