import { expect, it } from "vitest";
import { Arc } from "../../../simulator/policies/arc.ts";
import { bytes } from "../../../src/core/units.ts";
import { cachePolicyContract } from "../../contracts/cache-policy.ts";
import { NaiveArc } from "./naive/arc.ts";

cachePolicyContract({ name: "ARC", make: (room) => new Arc(room), naive: (room) => new NaiveArc(room) });

it("ARC keeps what was asked for twice while a scan passes through", () => {
  const policy = new Arc(bytes(4));
  for (const id of ["a", "a", "b", "b"]) policy.access(id) || policy.admit(id, bytes(1));
  for (let scanned = 0; scanned < 50; scanned++) policy.admit(`scan-${scanned}`, bytes(1));
  expect([policy.has("a"), policy.has("b")]).toEqual([true, true]);
});
