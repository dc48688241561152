import { describe, expect, it } from "vitest";
import type { Capacity } from "../../simulator/capacity.ts";
import type { Operation, OpsLog } from "../../simulator/ops-log.ts";
import { Lru } from "../../simulator/policies/lru.ts";
import { POLICIES } from "../../simulator/policies.ts";
import { run } from "../../simulator/run.ts";
import { simulate } from "../../simulator/simulate.ts";
import { noRequest, type SimulatedCache, type SimulatedRequest } from "../../simulator/simulated-cache.ts";
import type { Trace } from "../../simulator/trace.ts";
import type { Admission } from "../../src/core/cache/admission.ts";
import type { Bytes, EpochMillis } from "../../src/core/units.ts";
import { bytes } from "../../src/core/units.ts";
import { manyObjects, traceOf } from "../support/files.ts";

type Op = readonly [row: number, operation: Operation, object: string];

class OpsList implements OpsLog {
  readonly ops: Op[] = [];
  write(...op: Op): void {
    this.ops.push(op);
  }
  close(): void {
    // Nothing to close.
  }
}

/** LRU that reads ahead what a table says follows. */
class Reader implements SimulatedCache {
  readonly name = "reader";
  readonly #cache: Lru;
  readonly #next: Readonly<Record<string, string>>;
  readonly overtook: [object: string, landedAt: number][] = [];

  constructor(capacity: number, next: Readonly<Record<string, string>>) {
    this.#cache = new Lru(bytes(capacity));
    this.#next = next;
  }

  request({ object }: SimulatedRequest): boolean {
    return this.#cache.access(object);
  }

  fill({ object, size }: SimulatedRequest): Admission {
    return this.#cache.admit(object, size);
  }

  plan({ object }: SimulatedRequest): readonly string[] {
    const next = this.#next[object];
    return next === undefined || this.#cache.has(next) ? [] : [next];
  }

  fillPrefetched(object: string, size: Bytes, now: EpochMillis): Admission {
    return this.#cache.admitPrefetched(object, size, now, now);
  }

  overtaken(object: string, _size: Bytes, now: EpochMillis): void {
    this.overtook.push([object, now]);
  }
}

const objects = (size: number): Capacity => ({ size, unit: "objects" });

const opsOf = (trace: Trace, policy: string, capacity: Capacity, fillMs = 0): readonly Op[] => {
  const log = new OpsList();
  simulate(trace, { policy, capacity, cost: 0.1, fillMs, ops: log });
  return log.ops;
};

describe("a run", () => {
  it("counts a prefetch that is asked for, and the reads of the storage", () => {
    const log = new OpsList();
    const reader = new Reader(2, { a: "b" });
    const result = run(traceOf(["a", "b", "c"]), objects(2), reader, { ops: log });
    expect(result).toMatchObject({
      requests: 3,
      hits: 1,
      misses: 2,
      late: 0,
      prefetches: 1,
      prefetchesUsed: 1,
    });
    expect(log.ops).toEqual([
      [0, "miss", "a"],
      [0, "admit", "a"],
      [0, "prefetch", "b"],
      [0, "admit", "b"],
      [1, "hit", "b"],
      [2, "miss", "c"],
      [2, "evict", "a"],
      [2, "admit", "c"],
    ]);
  });

  it("counts a request late that comes before its prefetch has landed", () => {
    const log = new OpsList();
    const options = { ops: log, fillMs: 1001 };
    const result = run(traceOf(["a", "b", "b"]), objects(2), new Reader(2, { a: "b" }), options);
    expect(result).toMatchObject({ hits: 1, misses: 1, late: 1, prefetches: 1, prefetchesUsed: 0 });
    expect(log.ops.map(([row, operation]) => [row, operation])).toEqual([
      [0, "miss"],
      [0, "admit"],
      [0, "prefetch"],
      [1, "late"],
      [1, "admit"],
      [2, "hit"],
    ]);
  });

  it("lands a prefetch once its time has come, before the request of that moment", () => {
    const log = new OpsList();
    run(traceOf(["a", "x", "b"]), objects(3), new Reader(3, { a: "b" }), { ops: log, fillMs: 2000 });
    expect(log.ops.slice(-2)).toEqual([
      [2, "admit", "b"],
      [2, "hit", "b"],
    ]);
  });

  it("tells the cache when a fill lands that somebody came for meanwhile", () => {
    const reader = new Reader(3, { a: "b" });
    run(traceOf(["a", "b", "x", "x"]), objects(3), reader, { fillMs: 1500 });
    expect(reader.overtook).toEqual([["b", 1500]]);
  });

  it("does not count a prefetch as used that had to go first", () => {
    const result = run(traceOf(["a", "c", "b", "b"]), objects(2), new Reader(2, { a: "b" }));
    expect(result).toMatchObject({ hits: 1, misses: 3, prefetches: 1, prefetchesUsed: 0 });
  });

  it("takes a never-seen object to weigh what others do, so as not to look ahead", () => {
    const reader = new Reader(25, { a: "b" });
    run(traceOf(["a"], { bytes: 10 }), { size: 25, unit: "bytes" }, reader);
    expect(reader.request({ ...noRequest(), object: "b" })).toBe(true);
  });
});

describe.each(POLICIES)("%s in the simulator", (policy) => {
  const trace = traceOf(manyObjects(4000, 300));

  it("never holds more than the cache has room for, by its own log", () => {
    const resident = new Set<string>();
    for (const [, operation, object] of opsOf(trace, policy, objects(20))) {
      if (operation === "admit") resident.add(object);
      if (operation === "evict") expect(resident.delete(object)).toBe(true);
      if (operation === "hit") expect(resident.has(object)).toBe(true);
      if (operation === "miss") expect(resident.has(object)).toBe(false);
      expect(resident.size).toBeLessThanOrEqual(20);
    }
  });

  it("logs what its report counts", () => {
    const log = new OpsList();
    const report = simulate(trace, { policy, capacity: objects(20), cost: 0.1, ops: log });
    const count = (operation: Operation): number => log.ops.filter(([, one]) => one === operation).length;
    expect([count("hit"), count("miss"), count("late"), count("prefetch")]).toEqual([
      report.hits,
      report.misses,
      report.late,
      report.prefetches,
    ]);
    expect(report.hits + report.misses + report.late).toBe(report.requests);
    expect(report.bill).toBeCloseTo(
      1 - report.hits / report.requests + (0.1 * report.prefetches) / report.requests,
    );
  });

  it("does the same again for the same trace", () => {
    expect(opsOf(trace, policy, objects(20))).toEqual(opsOf(trace, policy, objects(20)));
  });

  // MIN is the bound because it looks ahead.
  it.skipIf(policy === "belady")("does not look ahead: a prefix gives the same first lines", () => {
    const prefix = opsOf(traceOf(manyObjects(4000, 300).slice(0, 1500)), policy, objects(20));
    expect(opsOf(trace, policy, objects(20)).slice(0, prefix.length)).toEqual(prefix);
  });
});

describe("MIN", () => {
  it("misses no more than the best of all ways to evict", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const requests = manyObjects(14, 6, seed);
      const { misses } = simulate(traceOf(requests), { policy: "belady", capacity: objects(3), cost: 0 });
      expect(misses).toBe(fewestMisses(requests, 3));
    }
  });

  it("misses no more than any policy that fills what was asked for", () => {
    const trace = traceOf(manyObjects(4000, 300));
    const misses = (policy: string): number =>
      simulate(trace, { policy, capacity: objects(20), cost: 0 }).misses;
    for (const policy of ["s3fifo", "sieve", "arc", "wtinylfu", "lru"]) {
      expect(misses("belady")).toBeLessThanOrEqual(misses(policy));
    }
  });
});

/** Tries every eviction there is. */
const fewestMisses = (
  requests: readonly string[],
  capacity: number,
  resident: readonly string[] = [],
): number => {
  const [object, ...later] = requests;
  if (object === undefined) return 0;
  if (resident.includes(object)) return fewestMisses(later, capacity, resident);
  if (resident.length < capacity) return 1 + fewestMisses(later, capacity, [...resident, object]);
  const without = resident.map((gone) => [...resident.filter((one) => one !== gone), object]);
  return 1 + Math.min(...without.map((next) => fewestMisses(later, capacity, next)));
};
