import type { Capacity } from "./capacity.ts";
import { makeCache } from "./policies.ts";
import { type PolicyReport, reportOf } from "./report.ts";
import { type RunOptions, run } from "./run.ts";
import type { Trace } from "./trace.ts";

/** What one policy is to be run with. */
export interface Setting extends RunOptions {
  readonly policy: string;
  readonly capacity: Capacity;
  /** What a prefetch costs, as a share of what a hit saves. */
  readonly cost: number;
}

/** Runs one policy on one trace and reports. Throws a UserError for a policy there is none of. */
export function simulate(trace: Trace, setting: Setting): PolicyReport {
  const { policy, capacity, cost } = setting;
  const cache = makeCache(policy, { trace, capacity, cost, fillMs: setting.fillMs ?? 0 });
  const result = run(trace, capacity, cache, setting);
  return reportOf({ policy, trace, capacity, cost, result, reliability: cache.reliability });
}
