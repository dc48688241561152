/** `npm run replay`: replays a trace against a running Foreshard. */

import { readTrace } from "../simulator/read-trace.ts";
import { interruption, runCommand } from "./command.ts";
import { progress } from "./progress.ts";
import { Instance } from "./replay/instance.ts";
import { parseOptions, type ReplayOptions } from "./replay/options.ts";
import { planReplay } from "./replay/plan.ts";
import { replay } from "./replay/replay.ts";
import { resultTable } from "./replay/report.ts";
import { tokensOf } from "./replay/tokens.ts";

await runCommand(() => run(parseOptions(process.argv)));

/** Does it and prints the result. */
async function run(options: ReplayOptions): Promise<boolean> {
  const { trace, malformed } = await readTrace(options.file, { rows: options.rows });
  if (malformed > 0) console.error(`Passed over ${malformed} malformed lines of ${options.file}.`);
  const plan = planReplay(trace, options.maxBytes);
  const instance = new Instance(options.url, await tokensOf(options.tokens));
  await instance.check();
  const result = await replay(instance, plan, options, progress(), interruption());
  console.log(options.json ? JSON.stringify(result) : resultTable(result));
  return true;
}
