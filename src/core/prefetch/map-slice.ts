import { shardOfKey, typeOfKey } from "../correlation/keys.ts";
import type { MapSlice } from "../correlation/map-versions.ts";
import type { Slice } from "../prediction/slice.ts";

/** How many sightings a probability of the map is given to the engine as: others' experience, not one's own. */
const WEIGHT = 32;

/** The coordinator's map as the engine takes it over. O(entries). */
export function engineSlice({ version, entries }: MapSlice): Slice {
  return {
    version,
    rows: entries.map(([key, next]) => ({
      from: shardOfKey(key) ?? typeOfKey(key) ?? "",
      event: typeOfKey(key) !== null,
      count: WEIGHT,
      to: next.map(([shard, probability]) => ({ shard, count: probability * WEIGHT })),
    })),
  };
}
