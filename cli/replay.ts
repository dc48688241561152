/** `npm run replay`: replays a trace against a running Foreshard. */

import { readTrace } from "../simulator/read-trace.ts";
import { progress } from "./progress.ts";
import { Instance } from "./replay/instance.ts";
import { parseOptions, type ReplayOptions } from "./replay/options.ts";
import { planReplay } from "./replay/plan.ts";
import { replay } from "./replay/replay.ts";
import { resultTable } from "./replay/report.ts";
import { tokensOf } from "./replay/tokens.ts";
import { UserError } from "./user-error.ts";

/** What a shell reports of a program that Ctrl-C ended. */
const INTERRUPTED = 130;
/** Under npm one Ctrl-C can arrive twice: from the terminal and passed on by npm. */
const SAME_INTERRUPTION_MS = 1_000;

process.exitCode = await run(parseOptions(process.argv)).catch((error: unknown) => {
  console.error(error instanceof UserError ? error.message : error);
  return 1;
});

/** Does it and prints the result; returns the exit code. */
async function run(options: ReplayOptions): Promise<number> {
  const { trace, malformed } = await readTrace(options.file, { rows: options.rows });
  if (malformed > 0) console.error(`Passed over ${malformed} malformed lines of ${options.file}.`);
  const plan = planReplay(trace, options.maxBytes);
  const instance = new Instance(options.url, await tokensOf(options.tokens));
  await instance.check();
  const result = await replay(instance, plan, options, progress(), interruption());
  if (result === null) {
    console.error("Interrupted. The settings are as before.");
    return INTERRUPTED;
  }
  console.log(options.json ? JSON.stringify(result) : resultTable(result));
  return 0;
}

/** Aborts at the first Ctrl-C or SIGTERM; one that comes later, from somebody who is tired of waiting, ends at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  let abortedAt = Number.POSITIVE_INFINITY;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (performance.now() - abortedAt > SAME_INTERRUPTION_MS) process.exit(INTERRUPTED);
      abortedAt = Math.min(abortedAt, performance.now());
      controller.abort();
    });
  return controller.signal;
}
