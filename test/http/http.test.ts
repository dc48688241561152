import fc from "fast-check";
import { expect, it } from "vitest";
import { shardIdFault } from "../../src/contract/ids.ts";
import { buildReadRequest, parseReadRequest } from "../../src/contract/partition-protocol.ts";
import { partOf } from "../../src/http/byte-range.ts";

it("never reads a range outside the shard", () => {
  fc.assert(
    fc.property(
      fc.nat(1_000),
      fc.integer({ min: -5, max: 1_200 }),
      fc.integer({ min: -5, max: 1_200 }),
      (size, a, b) => {
        for (const header of [`bytes=${a}-${b}`, `bytes=${a}-`, `bytes=-${b}`]) {
          const part = partOf(header, size);
          if (typeof part === "string") continue;
          expect(part.offset).toBeGreaterThanOrEqual(0);
          expect(part.length).toBeGreaterThan(0);
          expect(part.offset + part.length).toBeLessThanOrEqual(size);
        }
      },
    ),
    { seed: 3 },
  );
});

it("carries any valid read unchanged from the edge to the partition", () => {
  const id = fc
    .string({ unit: "binary", minLength: 1, maxLength: 40 })
    .filter((text) => shardIdFault(text) === null);
  const user = fc.string({ unit: "grapheme", maxLength: 30 });
  fc.assert(
    fc.property(id, user, fc.constantFrom("GET", "HEAD"), fc.boolean(), (shard, name, method, bypass) => {
      const read = {
        id: shard,
        method,
        user: name,
        eventType: name.length > 0 ? name : "read",
        dataType: undefined,
        region: "weur",
        range: "bytes=0-1",
        ifRange: undefined,
        bypass,
        conditions: {
          ifMatch: '"a"',
          ifNoneMatch: undefined,
          ifModifiedSince: undefined,
          ifUnmodifiedSince: undefined,
        },
      } as const;
      expect(parseReadRequest(buildReadRequest(read))).toEqual(read);
    }),
    { seed: 17 },
  );
});
