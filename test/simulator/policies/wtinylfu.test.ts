import { describe, expect, it } from "vitest";
import { FrequencySketch } from "../../../simulator/policies/frequency-sketch.ts";
import { WTinyLfu } from "../../../simulator/policies/wtinylfu.ts";
import { bytes } from "../../../src/core/units.ts";
import { cachePolicyContract } from "../../contracts/cache-policy.ts";
import { NaiveWTinyLfu } from "./naive/wtinylfu.ts";

/** Few enough that the counts are halved within a random run. */
const RESIDENTS = 2;

cachePolicyContract({
  name: "W-TinyLFU",
  make: (room) => new WTinyLfu(room, RESIDENTS),
  naive: (room) => new NaiveWTinyLfu(room, RESIDENTS),
});

it("W-TinyLFU keeps what is popular when newcomers are not", () => {
  const policy = new WTinyLfu(bytes(4), 4);
  const read = (id: string): unknown => policy.access(id) || policy.admit(id, bytes(1));
  for (let again = 0; again < 5; again++) for (const id of ["a", "b", "c", "d"]) read(id);
  read("newcomer");
  for (let again = 0; again < 5; again++) for (const id of ["a", "b", "c"]) read(id);
  for (let scanned = 0; scanned < 50; scanned++) read(`scan-${scanned}`);
  expect(["a", "b", "c"].filter((id) => policy.has(id)).length).toBeGreaterThanOrEqual(2);
});

describe("a frequency sketch", () => {
  it("never counts too few", () => {
    const sketch = new FrequencySketch(50);
    for (let time = 0; time < 500; time++) sketch.add(`id-${time % 50}`);
    for (let one = 0; one < 50; one++) expect(sketch.estimate(`id-${one}`)).toBeGreaterThanOrEqual(10);
  });

  it("seldom counts an id it never saw, up to the number provided for", () => {
    const sketch = new FrequencySketch(1000);
    for (let one = 0; one < 1000; one++) sketch.add(`id-${one}`);
    let mistaken = 0;
    for (let one = 0; one < 10_000; one++) if (sketch.estimate(`other-${one}`) > 0) mistaken += 1;
    expect(mistaken).toBeLessThan(30);
  });

  it("halves every count, rounding down", () => {
    const sketch = new FrequencySketch(10);
    for (let time = 0; time < 5; time++) sketch.add("a");
    sketch.halve();
    expect(sketch.estimate("a")).toBe(2);
  });
});
