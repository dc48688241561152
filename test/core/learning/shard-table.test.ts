import { describe, expect, it } from "vitest";
import { EVENT, ShardTable } from "../../../src/core/learning/shard-table.ts";
import { bytes } from "../../../src/core/units.ts";

describe("ShardTable", () => {
  it("gives the same handle to the same id, and another to an event of that name", () => {
    const shards = new ShardTable(bytes(1e6));
    expect(shards.intern("a")).toBe(shards.intern("a"));
    expect(shards.intern("a")).not.toBe(shards.intern("a", EVENT));
    expect(shards.find("a")).toBe(shards.intern("a"));
    expect(shards.find("b")).toBe(0);
  });

  it("stays within its bytes, and knows references of handles that were given to others for stale", () => {
    const shards = new ShardTable(bytes(100_000));
    const references = Array.from({ length: 3_000 }, (_, i) => shards.reference(shards.intern(`shard-${i}`)));
    expect(shards.bytes).toBeLessThanOrEqual(100_000);
    references.forEach((reference, i) => {
      const handle = shards.resolve(reference);
      if (handle !== 0) expect(shards.ids[handle]).toBe(`shard-${i}`);
    });
    expect(references.filter((reference) => shards.resolve(reference) === 0).length).toBeGreaterThan(2_000);
  });
});
