import { expect, it } from "vitest";
import { Sieve } from "../../../simulator/policies/sieve.ts";
import { bytes } from "../../../src/core/units.ts";
import { cachePolicyContract } from "../../contracts/cache-policy.ts";
import { NaiveSieve } from "./naive/sieve.ts";

cachePolicyContract({
  name: "SIEVE",
  make: (room) => new Sieve(room),
  naive: (room) => new NaiveSieve(room),
});

it("SIEVE's hand goes on from where it stopped, sparing what was asked for since", () => {
  const policy = new Sieve(bytes(3));
  for (const id of ["a", "b", "c"]) policy.admit(id, bytes(1));
  policy.access("a");
  expect(policy.admit("d", bytes(1)).evicted).toEqual(["b"]);
  expect(policy.admit("e", bytes(1)).evicted).toEqual(["c"]);
});
