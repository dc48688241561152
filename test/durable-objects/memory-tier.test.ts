import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KnownShards } from "../../durable-objects/partition/known-shards.ts";
import { type Copy, MemoryTier } from "../../durable-objects/partition/memory-tier.ts";
import { Engine } from "../../src/core/engine/engine.ts";
import { bytes, epochMillis } from "../../src/core/units.ts";

const NOW = epochMillis(1_000_000);
/** The least a copy is charged. */
const MIN_CHARGE = 512;

const copyOf = (size: number): Copy => ({
  meta: { size, etag: '"a"', version: "a", uploaded: 1 },
  body: new ArrayBuffer(size),
  validatedAt: NOW,
  asOf: 1,
  prefetched: false,
  uses: 0,
});

describe("memory", () => {
  it("accounts for exactly what it holds, and never exceeds its capacity", () => {
    const id = fc.integer({ min: 0, max: 12 }).map((i) => `shard/${i}`);
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom("demand", "prefetch"), id, size: fc.nat(4_000) }),
      fc.record({ kind: fc.constant("remove"), id, size: fc.constant(0) }),
      fc.record({ kind: fc.constant("resize"), id, size: fc.integer({ min: 2_000, max: 12_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const engine = new Engine(bytes(10_000), { modelBytes: bytes(65_536) });
        const memory = new MemoryTier(engine);
        for (const { kind, id, size } of steps) {
          if (kind === "remove") memory.remove(id);
          else if (kind === "resize") memory.resize(size);
          else if (kind === "demand") memory.put(id, copyOf(size), { kind }, NOW);
          else memory.put(id, copyOf(size), { kind: "prefetch", expires: epochMillis(NOW + 1_000) }, NOW);
          const held = Array.from({ length: 13 }, (_, i) => memory.peek(`shard/${i}`)).filter(
            (copy) => copy !== undefined,
          );
          const charged = held.map(({ body }) => Math.max(MIN_CHARGE, body.byteLength));
          expect(memory.used).toBe(charged.reduce((sum, charge) => sum + charge, 0));
          expect(memory.count).toBe(held.length);
          expect(memory.used).toBeLessThanOrEqual(memory.capacity);
        }
      }),
      { seed: 5 },
    );
  });
});

describe("known shards", () => {
  it("are bounded: the one noted longest ago goes", () => {
    const known = new KnownShards();
    for (let i = 0; i < 4_000; i++) known.set(`shard/${i}`, { kind: "absent", askedAt: i, asOf: 1 });
    known.set("shard/0", { kind: "large", askedAt: 9, asOf: 1 });
    known.set("one more", { kind: "absent", askedAt: 9, asOf: 1 });
    expect(["shard/0", "shard/1", "shard/2", "one more"].map((id) => known.has(id))).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});
