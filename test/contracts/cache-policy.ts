import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CachePolicy } from "../../simulator/cache-policy.ts";
import type { Admission } from "../../src/core/cache/admission.ts";
import { type Bytes, bytes, epochMillis } from "../../src/core/units.ts";

/** A policy to be held to the contract, and a naive one that decides the same in the plainest way. */
export interface PolicySubject {
  readonly name: string;
  readonly make: (capacity: Bytes) => CachePolicy;
  /** The same decisions from arrays and scans; every call must agree with it. */
  readonly naive: (capacity: Bytes) => CachePolicy;
}

type Operation =
  | { readonly kind: "read"; readonly id: string; readonly size: number }
  | { readonly kind: "admit"; readonly id: string; readonly size: number }
  | { readonly kind: "prefetch"; readonly id: string; readonly size: number; readonly lasts: number }
  | { readonly kind: "remove"; readonly id: string }
  | { readonly kind: "resize"; readonly capacity: number }
  | { readonly kind: "wait"; readonly duration: number };

const IDS = [..."abcdefghijklmnop"];
const id = fc.constantFrom(...IDS);
const size = fc.integer({ min: 0, max: 7 });

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("read" as const), id, size }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("admit" as const), id, size }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("prefetch" as const),
      id,
      size,
      lasts: fc.integer({ min: 0, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), id }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("resize" as const), capacity: fc.integer({ min: 1, max: 24 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), duration: fc.integer({ min: 1, max: 6 }) }),
  },
);

const operations = fc.array(operation, { maxLength: 120 });
const capacity = fc.integer({ min: 1, max: 24 });

/** Of copies that expire at the same moment a policy may pick any; the test leaves it no choice. */
const NO_TIE = 1e-4;

/** Runs operations on one policy; answers what each did, so that two runs can be compared. */
class Driver {
  #now = 0;
  #prefetches = 0;
  readonly policy: CachePolicy;

  constructor(policy: CachePolicy) {
    this.policy = policy;
  }

  apply(step: Operation): unknown {
    const policy = this.policy;
    switch (step.kind) {
      case "read":
        return policy.access(step.id) || policy.admit(step.id, bytes(step.size));
      case "admit":
        return policy.admit(step.id, bytes(step.size));
      case "prefetch": {
        const now = epochMillis(this.#now);
        this.#prefetches += 1;
        const expiresAt = epochMillis(now + step.lasts + this.#prefetches * NO_TIE);
        return policy.admitPrefetched(step.id, bytes(step.size), expiresAt, now);
      }
      case "remove":
        return policy.remove(step.id);
      case "resize":
        return policy.resize(bytes(step.capacity));
      case "wait":
        this.#now += step.duration;
        return policy.advance(epochMillis(this.#now));
    }
  }

  residents(): string[] {
    return IDS.filter((one) => this.policy.has(one));
  }
}

const evictedBy = (outcome: unknown): readonly string[] => {
  if (Array.isArray(outcome)) return outcome;
  return isAdmission(outcome) ? outcome.evicted : [];
};

const isAdmission = (outcome: unknown): outcome is Admission =>
  typeof outcome === "object" && outcome !== null && "evicted" in outcome;

const fill = (policy: CachePolicy, ids: readonly string[]): void => {
  for (const one of ids) policy.admit(one, bytes(1));
};

/** The tests every cache policy passes. */
export function cachePolicyContract(subject: PolicySubject): void {
  describe(`${subject.name} keeps the contract of a cache policy`, () => {
    randomOperations(subject);
    admissions(subject);
    prefetches(subject);
  });
}

function randomOperations({ make, naive }: PolicySubject): void {
  it("decides what the naive reference decides, whatever happens", () => {
    fc.assert(
      fc.property(capacity, operations, (room, steps) => {
        const real = new Driver(make(bytes(room)));
        const plain = new Driver(naive(bytes(room)));
        for (const step of steps) {
          expect({ step, did: real.apply(step) }).toEqual({ step, did: plain.apply(step) });
          expect(real.residents()).toEqual(plain.residents());
          expect(real.policy.used).toBe(plain.policy.used);
        }
      }),
      { seed: 1, numRuns: 400 },
    );
  });

  it("is never over capacity, and counts its residents", () => {
    fc.assert(
      fc.property(capacity, operations, (room, steps) => {
        const driver = new Driver(make(bytes(room)));
        for (const step of steps) {
          driver.apply(step);
          expect(driver.policy.used).toBeLessThanOrEqual(driver.policy.capacity);
          expect(driver.policy.count).toBe(driver.residents().length);
        }
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it("lists exactly the residents that went", () => {
    fc.assert(
      fc.property(capacity, operations, (room, steps) => {
        const driver = new Driver(make(bytes(room)));
        for (const step of steps) {
          const before = new Set(driver.residents());
          const evicted = evictedBy(driver.apply(step));
          const gone = [...before].filter((one) => !driver.policy.has(one));
          const removed = step.kind === "remove" && before.has(step.id) ? [step.id] : [];
          expect([...evicted, ...removed].sort()).toEqual(gone.sort());
        }
      }),
      { seed: 3, numRuns: 200 },
    );
  });
}

function admissions({ make }: PolicySubject): void {
  it("finds what was admitted, and nothing else", () => {
    const policy = make(bytes(10));
    expect(policy.access("a")).toBe(false);
    expect(policy.admit("a", bytes(3))).toEqual({ admitted: true, evicted: [] });
    expect([policy.has("a"), policy.access("a"), policy.has("b")]).toEqual([true, true, false]);
    expect([policy.used, policy.count]).toEqual([3, 1]);
  });

  it("refuses a shard above its capacity, and lets nothing go for it", () => {
    const policy = make(bytes(4));
    fill(policy, ["a", "b"]);
    expect(policy.admit("huge", bytes(5))).toEqual({ admitted: false, evicted: [] });
    expect([policy.has("a"), policy.has("b"), policy.has("huge")]).toEqual([true, true, false]);
  });

  it("resizes a resident that is admitted again", () => {
    const policy = make(bytes(10));
    policy.admit("a", bytes(3));
    policy.admit("a", bytes(5));
    expect([policy.used, policy.count]).toEqual([5, 1]);
  });

  it("lets a resident go that grew above the capacity", () => {
    const policy = make(bytes(10));
    policy.admit("a", bytes(3));
    expect(policy.admit("a", bytes(11))).toEqual({ admitted: false, evicted: ["a"] });
    expect(policy.used).toBe(0);
  });

  it("forgets what is removed, once", () => {
    const policy = make(bytes(10));
    policy.admit("a", bytes(3));
    expect([policy.remove("a"), policy.remove("a"), policy.has("a")]).toEqual([true, false, false]);
    expect(policy.used).toBe(0);
  });

  it("shrinks at once when its capacity does", () => {
    const policy = make(bytes(4));
    fill(policy, ["a", "b", "c", "d"]);
    expect(policy.resize(bytes(1))).toHaveLength(3);
    expect([policy.used, policy.count, policy.capacity]).toEqual([1, 1, 1]);
  });

  it("says what to do about a capacity of nothing", () => {
    expect(() => make(bytes(0))).toThrow(/capacity above 0/);
    expect(() => make(bytes(1)).resize(bytes(0))).toThrow(/capacity above 0/);
  });
}

function prefetches({ make }: PolicySubject): void {
  it("lets an expired prefetched copy go before anything else", () => {
    const policy = make(bytes(4));
    fill(policy, ["a", "b", "c"]);
    policy.admitPrefetched("guess", bytes(1), epochMillis(10), epochMillis(0));
    policy.advance(epochMillis(10));
    expect(policy.admit("d", bytes(1)).evicted).toEqual(["guess"]);
  });

  it("lets the copy go first that expired first", () => {
    const policy = make(bytes(3));
    policy.admitPrefetched("later", bytes(1), epochMillis(9), epochMillis(0));
    policy.admitPrefetched("sooner", bytes(1), epochMillis(5), epochMillis(0));
    fill(policy, ["a"]);
    policy.advance(epochMillis(20));
    expect([policy.admit("b", bytes(1)).evicted, policy.admit("c", bytes(1)).evicted]).toEqual([
      ["sooner"],
      ["later"],
    ]);
  });

  it("does not expire a prefetched copy that was asked for", () => {
    const policy = make(bytes(4));
    policy.admitPrefetched("wanted", bytes(1), epochMillis(10), epochMillis(0));
    policy.admitPrefetched("guess", bytes(1), epochMillis(20), epochMillis(0));
    expect(policy.access("wanted")).toBe(true);
    fill(policy, ["a", "b"]);
    policy.advance(epochMillis(30));
    expect(policy.admit("c", bytes(1)).evicted).toEqual(["guess"]);
  });

  it("treats a shard whose prefetch was wasted like one never seen", () => {
    const wasted = make(bytes(4));
    wasted.admitPrefetched("x", bytes(1), epochMillis(0), epochMillis(0));
    fill(wasted, ["a", "b", "c", "d"]);
    const fresh = make(bytes(4));
    fill(fresh, ["a", "b", "c", "d"]);
    for (const one of ["x", "e", "f", "x", "g", "h"]) {
      const did = [wasted, fresh].map((policy) => policy.access(one) || policy.admit(one, bytes(1)));
      expect(did[0]).toEqual(did[1]);
    }
  });
}
