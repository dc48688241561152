import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Trace } from "../../simulator/trace.ts";

const HEADER = "t_ms,client,event_type,object,bytes";

/** Writes a file for a test to read; gzipped if asked to. */
export function fileOf(content: string, options: { name?: string; zipped?: boolean } = {}): string {
  const path = join(mkdtempSync(join(tmpdir(), "foreshard-")), options.name ?? "log");
  writeFileSync(path, options.zipped ? gzipSync(content) : content);
  return path;
}

/** A trace CSV of those lines. */
export const csvOf = (...lines: string[]): string => [HEADER, ...lines, ""].join("\n");

/** A trace in which those objects are asked for, a second apart, by the client of that name if any. */
export function traceOf(
  objects: readonly string[],
  options: { bytes?: number; client?: string } = {},
): Trace {
  const trace = new Trace("test");
  objects.forEach((object, row) => {
    const { bytes = 1, client = "" } = options;
    trace.add({ time: row * 1000, client, eventType: "read", object, bytes });
  });
  return trace;
}

/** Objects asked for by a made-up population: few are popular, most are not. The same for the same seed. */
export function manyObjects(count: number, distinct: number, seed = 1): string[] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => `object-${Math.floor(distinct * random() ** 3)}`);
}
