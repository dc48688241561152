import fc from "fast-check";
import { expect, it } from "vitest";
import {
  addCounts,
  countsBetween,
  countsOf,
  noCounts,
  READ_COUNTS,
} from "../../../src/core/reporting/read-counts.ts";

const counts = fc
  .array(fc.nat(100_000), { minLength: READ_COUNTS.length, maxLength: READ_COUNTS.length })
  .map((numbers) => countsOf((_name, index) => numbers[index] ?? 0));

it("adds up in any order", () => {
  fc.assert(
    fc.property(fc.array(counts, { maxLength: 6 }), (all) => {
      expect(all.reduce(addCounts, noCounts())).toEqual(all.reduceRight(addCounts, noCounts()));
    }),
    { seed: 29 },
  );
});

it("gives the whole back when what lies between is added up", () => {
  fc.assert(
    fc.property(counts, counts, (first, more) => {
      const end = addCounts(first, more);
      expect(addCounts(countsBetween(noCounts(), first), countsBetween(first, end))).toEqual(end);
    }),
    { seed: 29 },
  );
});
