import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoundedMap, BoundedSet } from "../../../src/core/collections/bounded-map.ts";

describe("BoundedMap", () => {
  it("holds what was set last, in that order, and tells of each entry that had to go", () => {
    const step = fc.tuple(fc.nat(9), fc.constantFrom("set", "delete"));
    fc.assert(
      fc.property(fc.nat(5), fc.array(step, { maxLength: 60 }), (limit, steps) => {
        const dropped: [number, number][] = [];
        const map = new BoundedMap<number, number>(limit, (key, value) => dropped.push([key, value]));
        let expected: [number, number][] = [];
        const gone: [number, number][] = [];
        steps.forEach(([key, what], at) => {
          expected = expected.filter(([held]) => held !== key);
          if (what === "delete") map.delete(key);
          else {
            map.set(key, at);
            expected.push([key, at]);
          }
          while (expected.length > limit) gone.push(expected.shift() as [number, number]);
          expect([...map]).toEqual(expected);
        });
        expect(dropped).toEqual(gone);
      }),
      { seed: 51 },
    );
  });
});

describe("BoundedSet", () => {
  it("holds what was added last; adding again makes it the newest", () => {
    const set = new BoundedSet<string>(2);
    set.add("a").add("b").add("a").add("c");
    expect([...set]).toEqual(["a", "c"]);
  });
});
