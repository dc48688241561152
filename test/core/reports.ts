import type { SharedModel } from "../../src/core/correlation/shared-model.ts";
import { noCounts } from "../../src/core/reporting/read-counts.ts";
import type { ReportBody } from "../../src/core/reporting/report.ts";
import { type ReportedEvent, Reporter } from "../../src/core/reporting/reporter.ts";

/** A Monday, 00:00 UTC. */
export const START = Date.UTC(2026, 0, 5);

/** Small tables, so that bounds are reached soon. */
export const SMALL = {
  shards: [32, 4],
  types: [8, 8],
  patterns: [16, 4],
  series: 8,
  demand: 24,
  stateBytes: 60_000,
} as const;

/** A read of `shard`; the rest as most reads are. */
export const read = (
  user: string,
  shard: string,
  time: number,
  more: Partial<ReportedEvent> = {},
): ReportedEvent => ({ type: "read", shard, user, time, isRead: true, ...more });

/** One report of these events. */
export function reportOf(events: readonly ReportedEvent[]): ReportBody {
  const reporter = new Reporter();
  for (const event of events) reporter.observe(event);
  const body = reporter.take(noCounts());
  if (body === null) throw new Error("nothing was observed");
  return body;
}

/** A report in which `count` users went from each shard to the next, a second apart, just before `time`. */
export function sequence(
  shards: readonly string[],
  count: number,
  time: number,
  more: Partial<ReportedEvent> = {},
): ReportBody {
  return reportOf(
    Array.from({ length: count }, (_, user) =>
      shards.map((shard, i) => read(`u${user}`, shard, time - (shards.length - i) * 1_000, more)),
    ).flat(),
  );
}

/** All probabilities the model gives: `from > to` → probability. */
export function probabilities(model: SharedModel, keys: Iterable<string>, now: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const key of keys)
    for (const { to, probability } of model.followers(key, now)) found.set(`${key} > ${to}`, probability);
  return found;
}

/** The largest difference between two sets of probabilities; what only one of them has counts in full. */
export function difference(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let most = 0;
  for (const key of new Set([...a.keys(), ...b.keys()]))
    most = Math.max(most, Math.abs((a.get(key) ?? 0) - (b.get(key) ?? 0)));
  return most;
}
