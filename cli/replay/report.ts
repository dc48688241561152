import Table from "cli-table3";
import type { ReplayResult } from "./summary.ts";

/** The table printed at the end. */
export function resultTable(result: ReplayResult): string {
  const { requests, hits, prefetchedHits, misses, errors, p50Ms, p95Ms, p99Ms, storageReads } = result;
  const share = (count: number): string =>
    requests === 0 ? "" : `${((100 * count) / requests).toFixed(1)} %`;
  const table = new Table({
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
    colAligns: ["left", "right", "right"],
    style: { head: [], border: [] },
  });
  table.push(
    ["requests", whole(requests), ""],
    ["hits", whole(hits), share(hits)],
    ["  of them prefetched", whole(prefetchedHits), share(prefetchedHits)],
    ["misses", whole(misses), share(misses)],
    ...(errors === 0 ? [] : [["errors", whole(errors), share(errors)]]),
    ["p50", `${p50Ms.toFixed(2)} ms`, ""],
    ["p95", `${p95Ms.toFixed(2)} ms`, ""],
    ["p99", `${p99Ms.toFixed(2)} ms`, ""],
    ["storage reads", whole(storageReads), ""],
  );
  return table.toString();
}

const whole = (count: number): string => count.toLocaleString("en");
