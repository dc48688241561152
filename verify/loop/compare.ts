import Table from "cli-table3";
import type { CacheOutcome } from "../../cli/replay/classify.ts";
import { percentile } from "../../cli/replay/percentile.ts";
import type { PlannedRequest, ReplayPlan } from "../../cli/replay/plan.ts";
import { replay } from "../../simulator/world/replay.ts";
import type { Settings } from "../../src/contract/settings.ts";
import { isRegion, type Region } from "../../src/core/placement/regions.ts";
import { PREFETCH_REASONS } from "../../src/core/prefetch/prefetch.ts";
import { PLAYED_REGIONS } from "./regions.ts";

/** What became of a request of the replay. Times in ms. */
export interface Played {
  readonly sentAt: number;
  readonly millis: number;
  readonly outcome: CacheOutcome;
}

/**
 * Plays the same requests, at the times they were sent, to the same nodes in virtual time, and sets the two side by side.
 * `deviation` is the instance's miss ratio relative to the simulation's, less one.
 */
export async function comparison(
  plan: ReplayPlan,
  requests: readonly PlannedRequest[],
  played: readonly Played[],
  settings: Partial<Settings>,
): Promise<{ readonly table: string; readonly deviation: number }> {
  const storageTakes = fillMillis(played);
  const first = played[0]?.sentAt ?? 0;
  const reads = requests.map(({ path, user, event, region = "" }, row) => ({
    at: (played[row]?.sentAt ?? first) - first,
    region: regionOrFirst(region),
    id: decodeURIComponent(path.replace("/shards/", "")),
    user,
    eventType: event,
  }));
  const { statuses } = await replay(reads, plan.shards, {
    regions: PLAYED_REGIONS,
    deltas: true,
    reasons: PREFETCH_REASONS,
    settings,
    storageTakes,
  });
  const rows = requests.map(({ region }, row) => ({
    region: region ?? "",
    missed: played[row]?.outcome === "miss" || played[row]?.outcome === "error",
    prefetched: played[row]?.outcome === "prefetchedHit",
    simulated: statuses[row]?.includes("fwd=uri-miss") ?? false,
  }));
  const table = new Table({
    head: ["region", "requests", "misses", "ratio", "simulated misses", "ratio", "prefetched hits"],
    style: { head: [], border: [] },
    colAligns: ["left", "right", "right", "right", "right", "right", "right"],
  });
  for (const region of [...PLAYED_REGIONS, "all"]) {
    const some = rows.filter((row) => region === "all" || row.region === region);
    const misses = some.filter(({ missed }) => missed).length;
    const simulated = some.filter((row) => row.simulated).length;
    const prefetched = some.filter((row) => row.prefetched).length;
    table.push([
      region,
      some.length,
      misses,
      ratio(misses, some.length),
      simulated,
      ratio(simulated, some.length),
      prefetched,
    ]);
  }
  const count = (predicate: (row: (typeof rows)[number]) => boolean): number => rows.filter(predicate).length;
  return {
    table: `${table.toString()}\nA fill took ${storageTakes.toFixed(0)} ms.`,
    deviation:
      count(({ missed }) => missed) /
        Math.max(
          1,
          count(({ simulated }) => simulated),
        ) -
      1,
  };
}

const regionOrFirst = (name: string): Region => (isRegion(name) ? name : "weur");

const ratio = (part: number, whole: number): string => (whole === 0 ? "–" : (part / whole).toFixed(4));

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
