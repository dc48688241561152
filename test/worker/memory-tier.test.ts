import { expect, it } from "vitest";
import { type Copy, MemoryTier } from "../../durable-objects/partition/memory-tier.ts";
import { Engine } from "../../src/core/engine/engine.ts";
import { bytes, epochMillis } from "../../src/core/units.ts";

const NOW = epochMillis(1_000_000);

const copyOf = (size: number, etag: string): Copy => ({
  meta: { size, etag, version: etag, uploaded: 1 },
  body: new ArrayBuffer(size),
  validatedAt: NOW,
  asOf: 1,
  prefetched: false,
  uses: 0,
});

it("keeps a resident copy when a prefetch of the same shard arrives after it, and its bytes stay accounted for", () => {
  const engine = new Engine(bytes(100_000));
  const memory = new MemoryTier(engine);
  memory.put("a", copyOf(1_000, '"demand"'), { kind: "demand" }, NOW);
  memory.put("a", copyOf(1_000, '"prefetch"'), { kind: "prefetch", expires: epochMillis(NOW + 1_000) }, NOW);
  expect(memory.peek("a")?.meta.etag).toBe('"demand"');
  expect([memory.count, memory.used]).toEqual([1, 1_000]);
});
