import fc from "fast-check";
import { expect, it } from "vitest";
import { AppliedSequences } from "../../../src/core/correlation/applied-sequences.ts";

it("claims each number of each sender exactly once, in any order and however often it comes", () => {
  const deliveries = fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.nat(100)), { maxLength: 400 });
  fc.assert(
    fc.property(deliveries, (stream) => {
      const applied = new AppliedSequences();
      const claimed = stream
        .filter(([source, n]) => applied.claim(source, n))
        .map(([source, n]) => `${source}${n}`);
      expect(claimed.length).toBe(new Set(claimed).size);
      expect(new Set(claimed)).toEqual(new Set(stream.map(([source, n]) => `${source}${n}`)));
    }),
    { seed: 11 },
  );
});

it("gives lost numbers up after a while, and stays bounded", () => {
  const applied = new AppliedSequences();
  for (let n = 1; n < 2_000; n += 2) expect(applied.claim("a", n)).toBe(true);
  const [[, next, above] = ["", 0, []]] = applied.toState();
  expect(above.length).toBeLessThanOrEqual(256);
  expect(next).toBeGreaterThan(0);
  expect(applied.claim("a", 1_999)).toBe(false);
});

it("returns from its stored state", () => {
  const applied = new AppliedSequences();
  for (const n of [0, 1, 3, 7]) applied.claim("a", n);
  const restored = AppliedSequences.fromState(applied.toState());
  expect([0, 1, 2, 3, 7, 8].map((n) => restored.claim("a", n))).toEqual([
    false,
    false,
    true,
    false,
    false,
    true,
  ]);
});
