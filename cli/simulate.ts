import { type Capacity, parseCapacity } from "../simulator/capacity.ts";
import { fileSize } from "../simulator/lines.ts";
import { NO_LOG, OpsFile } from "../simulator/ops-log.ts";
import { checkPolicies } from "../simulator/policies.ts";
import { readTrace, type TraceRead } from "../simulator/read-trace.ts";
import { headingOf, type PolicyReport, tableOf } from "../simulator/report.ts";
import { simulate } from "../simulator/simulate.ts";
import type { Trace } from "../simulator/trace.ts";
import { UserError } from "../simulator/user-error.ts";
import { runCommand } from "./command.ts";
import { progress } from "./progress.ts";
import { type SimulateOptions, simulateCommand } from "./simulate/options.ts";

const bar = progress();

/** `npm run simulate`: a trace through several policies. */
async function main(path: string, options: SimulateOptions): Promise<void> {
  checkPolicies(options.policy);
  if (options.ops !== undefined && options.policy.length !== 1) {
    throw new UserError("--ops records one policy. Name it, for example with --policy foreshard.");
  }
  const read = await readWithBar(path, options);
  tellMalformed(path, read);
  const capacity = parseCapacity(options.cache, read.trace);
  if (!options.json) console.log(headingOf(read.trace, capacity));
  const reports: PolicyReport[] = [];
  for (const policy of options.policy) {
    const report = simulateWithBar(read.trace, policy, capacity, options);
    if (options.json) console.log(JSON.stringify(report));
    reports.push(report);
  }
  if (!options.json) console.log(tableOf(reports));
}

async function readWithBar(path: string, options: SimulateOptions): Promise<TraceRead> {
  bar.start("reading", await fileSize(path));
  const rows = options.rows === undefined ? {} : { rows: options.rows };
  return readTrace(path, { ...rows, onRead: (bytes) => bar.at(bytes) }).finally(() => bar.stop());
}

function simulateWithBar(
  trace: Trace,
  policy: string,
  capacity: Capacity,
  { cost, fillMs, ops: path }: SimulateOptions,
): PolicyReport {
  const ops = path === undefined ? NO_LOG : new OpsFile(path);
  bar.start(policy, trace.length);
  try {
    return simulate(trace, { policy, capacity, cost, fillMs, ops, onRow: (row) => bar.at(row) });
  } finally {
    bar.stop();
    ops.close();
  }
}

function tellMalformed(path: string, { malformed, malformedLines }: TraceRead): void {
  if (malformed === 0) return;
  console.error(`${path}: ${malformed} malformed ${malformed === 1 ? "line" : "lines"} passed over`);
  for (const { line, why } of malformedLines) console.error(`  line ${line}: ${why}`);
  const untold = malformed - malformedLines.length;
  if (untold > 0) console.error(`  and ${untold} more`);
}

await runCommand(async () => {
  await simulateCommand(main).parseAsync();
  return true;
});
