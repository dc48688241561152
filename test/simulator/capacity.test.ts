import { describe, expect, it } from "vitest";
import { parseCapacity } from "../../simulator/capacity.ts";
import { traceOf } from "../support/files.ts";

const trace = traceOf(Array.from({ length: 250 }, (_, object) => `object-${object}`));

describe("a cache's size", () => {
  it.each([
    ["5%", 12, "objects"],
    ["100%", 250, "objects"],
    ["17", 17, "objects"],
    ["64MiB", 67_108_864, "bytes"],
    ["1.5 KB", 1500, "bytes"],
    ["300B", 300, "bytes"],
  ])("reads %s", (text, size, unit) => {
    expect(parseCapacity(text, trace)).toEqual({ size, unit });
  });

  it.each(["0", "0%", "0.1%", "0MiB"])("says what to do about a cache of %s", (text) => {
    expect(() => parseCapacity(text, trace)).toThrow(/no room for a single object.*250.*Give a bigger cache/);
  });

  it.each(["", "big", "-5", "5 percent", "1..2", "64mib"])(
    "says how to write it when it reads %j",
    (text) => {
      expect(() => parseCapacity(text, trace)).toThrow(/is no size. Write 5%/);
    },
  );

  it("refuses bytes for a trace that tells no sizes", () => {
    expect(() => parseCapacity("1MiB", traceOf(["a"], { bytes: 0 }))).toThrow(/tells no sizes/);
  });
});
