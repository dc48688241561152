import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../../src/core/longterm/byte-codec.ts";
import { RecentGroups } from "../../../src/core/longterm/recent-groups.ts";
import { g2, lift, pearson, phi } from "../../../src/core/longterm/significance.ts";

describe("the latest occurrences", () => {
  it("are the same in whatever order reports come", () => {
    const reports = fc.uniqueArray(fc.tuple(fc.nat(1_000), fc.nat(1), fc.nat(3)), {
      selector: ([time]) => time,
      minLength: 14,
      maxLength: 30,
    });
    fc.assert(
      fc.property(reports, fc.infiniteStream(fc.nat()), (inOrder, keys) => {
        const read = (order: typeof inOrder) => {
          const groups = new RecentGroups(2, 4);
          for (const [time, seen, slot] of order) {
            groups.see(1, seen, time);
            groups.link(1, slot, seen / 2, time);
          }
          const { seen, time, next } = groups.of(1, 4);
          return { seen, time, next: [...next] };
        };
        const shuffled = inOrder
          .map((report) => ({ report, at: keys.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ report }) => report);
        expect(read(shuffled)).toEqual(read([...inOrder].sort((a, b) => a[0] - b[0])));
      }),
      { seed: 47 },
    );
  });

  it("are the newest that are enough, and no more", () => {
    const groups = new RecentGroups(1, 2);
    for (let time = 1; time <= 20; time++) {
      groups.see(0, 10, time);
      groups.link(0, time <= 18 ? 0 : 1, 10, time);
    }
    const { seen, next } = groups.of(0, 2);
    expect([seen, ...next]).toEqual([20, 0, 20]);
  });
});

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
    expect(pearson([1, 2, 3, 4], [2, 4, 6, 8])).toBeCloseTo(1);
    expect(pearson([1, 1, 1], [1, 2, 3])).toBe(0);
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
