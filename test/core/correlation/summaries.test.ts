import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../../src/core/correlation/byte-codec.ts";
import { g2, lift, phi } from "../../../src/core/correlation/significance.ts";

describe("significance", () => {
  it("agrees with worked examples", () => {
    const table = { both: 30, first: 40, second: 50, total: 200 };
    expect(lift(table)).toBeCloseTo(3);
    expect(phi(table)).toBeCloseTo(0.57735, 5);
    // 2·Σ O·ln(O/E) over 30/10, 10/30, 20/40, 140/120.
    const expected =
      2 * (30 * Math.log(3) + 10 * Math.log(1 / 3) + 20 * Math.log(0.5) + 140 * Math.log(140 / 120));
    expect(g2(table)).toBeCloseTo(expected, 9);
    expect(g2({ both: 10, first: 40, second: 50, total: 200 })).toBeCloseTo(0, 9);
  });
});

describe("the byte codec", () => {
  it("brings back what was written, to the bit", () => {
    const item = fc.oneof(
      fc.record({ kind: fc.constant("count" as const), value: fc.maxSafeNat() }),
      fc.record({ kind: fc.constant("float" as const), value: fc.double() }),
      fc.record({
        kind: fc.constant("name" as const),
        value: fc.string({ unit: "grapheme", maxLength: 60 }),
      }),
      fc.record({
        kind: fc.constant("sparse" as const),
        value: fc.array(
          fc.oneof(
            fc.constant(0),
            fc.double({ noNaN: true }).filter((n) => !Object.is(n, -0)),
          ),
        ),
      }),
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 60 }), (items) => {
        const writer = new ByteWriter();
        for (const { kind, value } of items) {
          if (kind === "count") writer.count(value);
          else if (kind === "float") writer.float(value);
          else if (kind === "name") writer.name(value);
          else writer.sparse(value);
        }
        const reader = new ByteReader(writer.toText());
        for (const { kind, value } of items) {
          if (kind === "count") expect(reader.count()).toBe(value);
          else if (kind === "float") expect(reader.float()).toBe(value);
          else if (kind === "name") expect(reader.name()).toBe(value);
          else expect(reader.sparse(value.length)).toEqual(value);
        }
      }),
      { seed: 48 },
    );
  });
});
