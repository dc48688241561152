import { commonLog } from "./common-log.ts";
import { csv } from "./csv.ts";
import { isMalformed, type TraceFormat } from "./format.ts";
import { logpush } from "./logpush.ts";

/** The formats the simulator reads. */
export const FORMATS: readonly TraceFormat[] = [csv, commonLog, logpush];

/** The format that makes sense of most of the first lines of a file, or undefined if none does of any. */
export function detectFormat(firstLines: readonly string[]): TraceFormat | undefined {
  let best: TraceFormat | undefined;
  let most = 0;
  for (const format of FORMATS) {
    const understood = firstLines.filter((line) => !isMalformed(format.parse(line))).length;
    if (understood > most) [best, most] = [format, understood];
  }
  return best;
}
