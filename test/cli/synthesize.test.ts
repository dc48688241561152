import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readTrace } from "../../simulator/read-trace.ts";
import { siteTrace } from "../../simulator/site-trace.ts";
import { fileOf } from "../support/files.ts";

const MAIN = join(import.meta.dirname, "../../cli/synthesize.ts");
const synthesize = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });

it("npm run synthesize writes a trace that the simulator reads as it was made", async () => {
  const file = fileOf("", { name: "site.csv" });
  expect(synthesize(file, "--rows", "300", "--seed", "7").status).toBe(0);
  const { trace, malformed } = await readTrace(file);
  const made = siteTrace({ rows: 300, seed: 7 });
  const rows = (one: typeof trace) =>
    Array.from({ length: 300 }, (_, row) => [
      one.time(row),
      one.client(row),
      one.object(row),
      one.bytes(row),
    ]);
  expect([malformed, trace.length]).toEqual([0, 300]);
  expect(rows(trace)).toEqual(rows(made));
});

it("npm run synthesize says what is wrong with a file it cannot write, without a stack", () => {
  const { status, stderr } = synthesize("/no/such/folder/site.csv");
  expect(stderr).toMatch(/^\/no\/such\/folder\/site.csv cannot be written: [^\n]*\n$/);
  expect(status).toBe(1);
});
