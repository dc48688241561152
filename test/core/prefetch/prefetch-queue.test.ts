import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PrefetchQueue } from "../../../src/core/prefetch/prefetch-queue.ts";
import { epochMillis, probability } from "../../../src/core/units.ts";

const prefetch = (shard: string, arrival: number, expires = arrival + 1_000) => ({
  shard,
  probability: probability(0.5),
  arrival: epochMillis(arrival),
  expires: epochMillis(expires),
  reason: "predicted" as const,
});

describe("the prefetch queue", () => {
  it("gives the earliest predicted arrival first, each shard once", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(1_000)), { maxLength: 100 }), (entries) => {
        const queue = new PrefetchQueue(1_000);
        const earliest = new Map<string, number>();
        for (const [id, arrival] of entries) {
          queue.push(prefetch(`s${id}`, arrival));
          earliest.set(`s${id}`, Math.min(arrival, earliest.get(`s${id}`) ?? Number.POSITIVE_INFINITY));
        }
        const popped = [];
        for (let next = queue.pop(epochMillis(0)); next !== undefined; next = queue.pop(epochMillis(0)))
          popped.push(next);
        expect(popped.map(({ arrival }) => arrival)).toEqual([...earliest.values()].sort((a, b) => a - b));
        expect(new Set(popped.map(({ shard }) => shard)).size).toBe(popped.length);
      }),
      { seed: 5 },
    );
  });

  it("drops what is too late and counts it", () => {
    const queue = new PrefetchQueue(10);
    queue.push(prefetch("late", 1, 5));
    queue.push(prefetch("due", 2, 50));
    expect(queue.pop(epochMillis(10))?.shard).toBe("due");
    expect(queue.expired).toBe(1);
    expect(queue.length).toBe(0);
  });

  it("is bounded, and says what it refused", () => {
    const queue = new PrefetchQueue(2);
    expect(["a", "b", "c"].map((shard, i) => queue.push(prefetch(shard, i)))).toEqual([true, true, false]);
    expect(queue.refused).toBe(1);
    queue.cancel("a");
    expect(queue.push(prefetch("c", 9))).toBe(true);
    expect(queue.pop(epochMillis(0))?.shard).toBe("b");
  });
});
