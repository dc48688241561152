import Table from "cli-table3";
import type { CacheOutcome } from "../../cli/replay/classify.ts";
import { percentile } from "../../cli/replay/percentile.ts";
import type { PlannedRequest, ReplayPlan } from "../../cli/replay/plan.ts";
import { Foreshard } from "../../simulator/foreshard.ts";
import { run } from "../../simulator/run.ts";
import { Trace } from "../../simulator/trace.ts";
import { bytes } from "../../src/core/units.ts";
import { PLAYED_REGIONS } from "./regions.ts";

/** What became of a request of the replay. Times in ms. */
export interface Played {
  readonly sentAt: number;
  readonly millis: number;
  readonly outcome: CacheOutcome;
}

/** The least a partition charges a copy, in bytes: what its headers and map entries take. */
const MIN_CHARGE = 512;
/** Added to the recorded times, so that they look like points in time. */
const EPOCH = Date.parse("2026-01-01T00:00:00Z");

/**
 * Plays the same requests, at the times they were sent, to the simulator, a region at a time, and sets the two side by
 * side. `deviation` is the instance's miss ratio relative to the simulator's, less one.
 */
export function comparisonTable(
  trace: Trace,
  plan: ReplayPlan,
  requests: readonly PlannedRequest[],
  played: readonly Played[],
  memoryBytes: number,
): { readonly table: string; readonly deviation: number } {
  const fillMs = fillMillis(played);
  const table = new Table({
    head: [
      "region",
      "requests",
      "misses",
      "miss ratio",
      "simulated misses",
      "simulated ratio",
      "prefetched hits",
    ],
    style: { head: [], border: [] },
    colAligns: ["left", "right", "right", "right", "right", "right", "right"],
  });
  let misses = 0;
  let simulated = 0;
  for (const region of PLAYED_REGIONS) {
    const rows = requests.flatMap((request, row) => (request.region === region ? [row] : []));
    const real = rows.filter(
      (row) => played[row]?.outcome === "miss" || played[row]?.outcome === "error",
    ).length;
    const ideal = simulate(trace, plan, requests, played, rows, memoryBytes, fillMs);
    misses += real;
    simulated += ideal;
    const prefetched = rows.filter((row) => played[row]?.outcome === "prefetchedHit").length;
    table.push([
      region,
      rows.length,
      real,
      ratio(real, rows.length),
      ideal,
      ratio(ideal, rows.length),
      prefetched,
    ]);
  }
  table.push([
    "all",
    requests.length,
    misses,
    ratio(misses, requests.length),
    simulated,
    ratio(simulated, requests.length),
    "",
  ]);
  return {
    table: `${table.toString()}\nA fill took ${fillMs.toFixed(0)} ms.`,
    deviation: misses / simulated - 1,
  };
}

const ratio = (part: number, whole: number): string => (whole === 0 ? "–" : (part / whole).toFixed(4));

/** Requests of a region that the simulator would have made wait. */
function simulate(
  trace: Trace,
  plan: ReplayPlan,
  requests: readonly PlannedRequest[],
  played: readonly Played[],
  rows: readonly number[],
  memoryBytes: number,
  fillMs: number,
): number {
  const regional = new Trace(trace.name);
  for (const row of rows) {
    const id = decodeURIComponent(requests[row]?.path.replace("/shards/", "") ?? "");
    regional.add({
      time: EPOCH + (played[row]?.sentAt ?? 0),
      client: requests[row]?.user ?? "",
      eventType: requests[row]?.event ?? "",
      object: id,
      bytes: Math.max(MIN_CHARGE, plan.shards.get(id) ?? 0),
    });
  }
  const cache = new Foreshard("foreshard", bytes(memoryBytes), {});
  const counts = run(regional, { size: memoryBytes, unit: "bytes" }, cache, { fillMs });
  return counts.misses + counts.late;
}

/** Of the latencies, the quarter point: what a read takes when nothing else is in its way. */
const UNDISTURBED = 0.25;

/** How much longer a read takes that waits for the storage: what a prefetch takes, too. */
function fillMillis(played: readonly Played[]): number {
  const usual = (outcomes: readonly CacheOutcome[]): number => {
    const times = played.filter(({ outcome }) => outcomes.includes(outcome)).map(({ millis }) => millis);
    return percentile(
      times.sort((a, b) => a - b),
      UNDISTURBED,
    );
  };
  return Math.max(0, usual(["miss"]) - usual(["hit", "prefetchedHit"]));
}
