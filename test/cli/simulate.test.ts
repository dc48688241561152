import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { csvOf, fileOf, manyObjects } from "../support/files.ts";

const MAIN = join(import.meta.dirname, "../../cli/simulate.ts");

const simulate = (...args: string[]): { out: string; error: string; status: number | null } => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
  return { out: stdout, error: stderr, status };
};

const trace = fileOf(csvOf(...manyObjects(500, 60).map((object, row) => `${row},c,read,${object},10`)), {
  name: "shop.csv",
});

describe("npm run simulate", () => {
  it("prints a table for a person", () => {
    const { out, status } = simulate(trace, "--cache", "10%", "--policy", "lru,belady");
    expect(out).toMatch(/shop: 500 requests for \d+ objects, a cache of \d objects/);
    expect(out).toMatch(/lru .*\n.*belady/);
    expect(status).toBe(0);
  });

  it("prints a line of JSON for each policy, with the fields promised", () => {
    const { out } = simulate(trace, "--cache", "5", "--policy", "lru,arc", "--json");
    const reports = out
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(reports).toHaveLength(2);
    expect(Object.keys(Object(reports[0]))).toEqual(
      (
        "policy trace requests objects capacity unit hits misses late prefetches prefetchesUsed storageReads " +
        "missRatio prefetchesPerRequest bill brier calibrationError eventsPerSecond peakHeapBytes"
      ).split(" "),
    );
    expect(reports[1]).toMatchObject({
      policy: "arc",
      trace: "shop",
      requests: 500,
      capacity: 5,
      unit: "objects",
    });
  });

  it("writes down what happened", () => {
    const ops = fileOf("");
    simulate(trace, "--cache", "5", "--policy", "lru", "--ops", ops);
    const [first] = readFileSync(ops, "utf8").split("\n");
    expect(first).toMatch(/^\{"i":0,"op":"miss","object":"object-\d+"\}$/);
  });

  it("reports malformed lines on stderr and goes on", () => {
    const damaged = fileOf(csvOf("1,c,t,a,1", "2,c", "3,c,t,a,1"));
    const { out, error, status } = simulate(damaged, "--cache", "1", "--policy", "lru", "--json");
    expect(error).toMatch(/1 malformed line passed over\n {2}line 3: 2 fields instead of 5/);
    expect([JSON.parse(out).requests, status]).toEqual([2, 0]);
  });

  it.each([
    [["--cache", "0"], /no room for a single object/],
    [["--policy", "lru,magic"], /There is no policy "magic". Choose from/],
    [["--ops", "x", "--policy", "lru,arc"], /--ops records one policy/],
    [["--rows", "none"], /It must be a whole number from 1 up/],
    [["--fill-ms", "-1"], /It must be a number, 0 or more/],
  ])("says what to do about %j, without a stack", (args, message) => {
    const { error, status } = simulate(trace, ...args);
    expect(error).toMatch(message);
    expect(error).not.toMatch(/^ +at /m);
    expect(status).toBe(1);
  });
});
