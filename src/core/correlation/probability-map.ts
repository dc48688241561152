import { type EpochMillis, type Millis, type Probability, probability } from "../units.ts";
import type { EdgeTable } from "./edge-table.ts";
import { isSignificant } from "./significance.ts";

/** What the map says of a shard after an event of a type. */
export interface MapEntry {
  readonly probability: Probability;
  readonly expectedDelay: Millis;
}

/** The prefetch probability map: event type → shard → how probable, how soon. */
export type ProbabilityMap = Readonly<Record<string, Readonly<Record<string, MapEntry>>>>;

/** Entries below this are left out: half of what a prefetch usually costs. */
const LEAST = 0.05;

/**
 * What is read after events of each type, as far as it is significant: of each type the `mostPerType` most probable
 * shards. `typeShards` has event types as sources; `all` is the number of events. O(edges).
 */
export function probabilityMap(
  typeShards: EdgeTable,
  demand: EdgeTable,
  now: EpochMillis,
  mostPerType: number,
): ProbabilityMap {
  const map: Record<string, Record<string, MapEntry>> = {};
  const all = [...typeShards.names()].reduce((sum, name) => sum + typeShards.count(name, now), 0);
  for (const type of typeShards.names()) {
    const entries: Record<string, MapEntry> = {};
    for (const next of typeShards.successors(type, now, mostPerType)) {
      if (next.probability < LEAST) break;
      const pair = {
        both: next.count,
        first: typeShards.count(type, now),
        second: Math.max(next.count, demand.count(next.to, now)),
        all,
      };
      // With one type alone nothing can be more frequent than chance; what is probable is still worth knowing.
      if (typeShards.sources > 1 && !isSignificant(pair)) continue;
      entries[next.to] = { probability: probability(next.probability), expectedDelay: next.expectedDelay };
    }
    if (Object.keys(entries).length > 0) map[type] = entries;
  }
  return map;
}
