import Table from "cli-table3";
import type { CalibrationStats } from "../src/core/learning/calibration-stats.ts";
import type { Capacity } from "./capacity.ts";
import type { RunResult } from "./run.ts";
import type { Trace } from "./trace.ts";

/** What one policy did with one trace, as `--json` prints it. */
export interface PolicyReport {
  readonly policy: string;
  readonly trace: string;
  readonly requests: number;
  /** Distinct objects in the rows read. */
  readonly objects: number;
  readonly capacity: number;
  readonly unit: Capacity["unit"];
  readonly hits: number;
  readonly misses: number;
  readonly late: number;
  readonly prefetches: number;
  readonly prefetchesUsed: number;
  /** Reads of the storage: a late request shares the read of its prefetch. */
  readonly storageReads: number;
  /** Share of the requests that were no hit, late ones included. */
  readonly missRatio: number;
  readonly prefetchesPerRequest: number;
  /** `missRatio + cost × prefetchesPerRequest`. */
  readonly bill: number;
  /** Mean squared error of the probabilities given; null for a policy that gives none. */
  readonly brier: number | null;
  readonly calibrationError: number | null;
  readonly eventsPerSecond: number;
  readonly peakHeapBytes: number;
}

/** What a report is made of. */
export interface ReportInput {
  readonly policy: string;
  readonly trace: Trace;
  readonly capacity: Capacity;
  readonly cost: number;
  readonly result: RunResult;
  readonly reliability?: CalibrationStats | undefined;
}

/** Works out what one run's counts mean. */
export function reportOf({ policy, trace, capacity, cost, result, reliability }: ReportInput): PolicyReport {
  const { requests, hits, misses, late, prefetches, prefetchesUsed, seconds, peakHeapBytes } = result;
  const judged = reliability?.count ? reliability : undefined;
  const missRatio = (misses + late) / requests;
  const prefetchesPerRequest = prefetches / requests;
  return {
    policy,
    trace: trace.name,
    requests,
    objects: trace.objects.length,
    capacity: capacity.size,
    unit: capacity.unit,
    hits,
    misses,
    late,
    prefetches,
    prefetchesUsed,
    storageReads: misses + prefetches,
    missRatio,
    prefetchesPerRequest,
    bill: missRatio + cost * prefetchesPerRequest,
    brier: judged?.brier ?? null,
    calibrationError: judged?.error ?? null,
    eventsPerSecond: Math.round(requests / seconds),
    peakHeapBytes,
  };
}

const HEAD = [
  "policy",
  "bill",
  "miss ratio",
  "late",
  "prefetches",
  "used",
  "storage reads",
  "Brier",
  "calibration error",
  "events/s",
  "heap",
];

/** The reports as a table for a person, one trace and cache for all. */
export function tableOf(reports: readonly PolicyReport[]): string {
  const table = new Table({
    head: HEAD,
    colAligns: HEAD.map((_, column) => (column === 0 ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  for (const report of reports) table.push(cells(report));
  return table.toString();
}

const cells = (report: PolicyReport): string[] => [
  report.policy,
  report.bill.toFixed(4),
  report.missRatio.toFixed(4),
  whole(report.late),
  whole(report.prefetches),
  report.prefetches === 0 ? "–" : `${Math.round((100 * report.prefetchesUsed) / report.prefetches)} %`,
  whole(report.storageReads),
  report.brier?.toFixed(4) ?? "–",
  report.calibrationError?.toFixed(4) ?? "–",
  whole(report.eventsPerSecond),
  `${Math.round(report.peakHeapBytes / 2 ** 20)} MiB`,
];

const whole = (count: number): string => count.toLocaleString("en-US");

/** What was run, in a line above the table. */
export function headingOf(trace: Trace, capacity: Capacity): string {
  const requests = `${whole(trace.length)} requests for ${whole(trace.objects.length)} objects`;
  return `${trace.name}: ${requests}, a cache of ${whole(capacity.size)} ${capacity.unit}`;
}
