import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpaceSaving } from "../../../src/core/collections/space-saving.ts";

describe("Space-Saving", () => {
  it("never undercounts, guarantees no more than was, and keeps whoever is heavier than total ÷ capacity", () => {
    const stream = fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 9 })), { maxLength: 400 });
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 12 }), (items, capacity) => {
        const summary = new SpaceSaving(capacity);
        const exact = new Map<string, number>();
        let total = 0;
        for (const [key, amount] of items) {
          summary.add(`k${key}`, amount);
          exact.set(`k${key}`, (exact.get(`k${key}`) ?? 0) + amount);
          total += amount;
        }
        expect(summary.size).toBeLessThanOrEqual(capacity);
        for (let slot = 0; slot < summary.size; slot++) {
          const count = exact.get(summary.keyOf(slot)) ?? 0;
          expect(summary.count[slot]).toBeGreaterThanOrEqual(count);
          expect(summary.guaranteed(slot)).toBeLessThanOrEqual(count);
          expect(summary.error[slot]).toBeLessThanOrEqual(total / capacity);
        }
        for (const [key, count] of exact)
          if (count > total / capacity) expect(summary.find(key)).toBeGreaterThanOrEqual(0);
      }),
      { seed: 46 },
    );
  });
});
