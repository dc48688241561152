import { parse } from "range-parser";

/** A part of a shard: `offset` from its start and `length`, both in bytes. */
export interface Part {
  readonly offset: number;
  readonly length: number;
}

/** The bit that range-parser sets where any range is malformed. */
const MALFORMED = 1;

/**
 * What a `Range` header asks of a shard of `size` bytes. `"whole"` where there is none, its unit is unknown or it
 * names several ranges (RFC 9110 allows all of these to be answered with 200); `"unsatisfiable"` where the answer
 * is 416, which malformed byte ranges get too, so that a mistake is told rather than answered with everything.
 */
export function partOf(header: string | undefined, size: number): Part | "whole" | "unsatisfiable" {
  if (header === undefined || !/^\s*bytes\s*=/i.test(header)) return "whole";
  const { code, ranges } = parse(size, header.trim());
  const [only, ...more] = ranges;
  if ((code & MALFORMED) !== 0 || only === undefined) return "unsatisfiable";
  if (more.length > 0) return "whole";
  return { offset: only.start, length: only.end - only.start + 1 };
}
