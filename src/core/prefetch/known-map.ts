import { shardKey, typeKey } from "../correlation/keys.ts";
import type { MapSlice, SliceSuccessor } from "../correlation/map-versions.ts";
import type { ShardEvent } from "../event.ts";
import { type EpochMillis, epochMillis, type Probability, probability } from "../units.ts";

/** A shard the user of an event is likely to want next. */
export interface Candidate {
  readonly shard: string;
  readonly probability: Probability;
  /** When it is expected. */
  readonly arrival: EpochMillis;
}

/** Keys remembered of the coordinator's map: some slices' worth. */
const MAX_KEYS = 4_000;

/** What the coordinator told this partition of the map. A look-up is O(row). */
export class KnownMap {
  readonly #rows = new Map<string, readonly SliceSuccessor[]>();

  /** Takes over a slice. O(entries). */
  apply(slice: MapSlice): void {
    if (slice.whole) this.#rows.clear();
    for (const [key, next] of slice.entries) {
      this.#rows.delete(key);
      if (next.length > 0) this.#rows.set(key, next);
    }
    for (const oldest of this.#rows.keys()) {
      if (this.#rows.size <= MAX_KEYS) break;
      this.#rows.delete(oldest);
    }
  }

  /** What follows an event, according to all partitions. */
  after(event: ShardEvent): readonly Candidate[] {
    const keys = event.shard === undefined ? [] : [shardKey(event.shard)];
    return [...keys, typeKey(event.type)].flatMap((key) =>
      (this.#rows.get(key) ?? [])
        .filter(([shard]) => shard !== event.shard)
        .map(([shard, p, delay]) => ({
          shard,
          probability: probability(p),
          arrival: epochMillis(event.time + delay),
        })),
    );
  }
}
