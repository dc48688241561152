import { BoundedMap } from "../../src/core/collections/bounded-map.ts";

/** What is known of a shard that no copy can be kept of: it does not exist, or is too large. */
export interface KnownShard {
  readonly kind: "absent" | "large";
  /** The storage was asked after this, ms since the epoch. */
  readonly askedAt: number;
  /** The number of the change log at which this was so. */
  readonly asOf: number;
}

/** Shards remembered: an id takes up to 1 KiB, so some 4 MiB at the very most. */
const MAX_KNOWN = 4_000;

/** By id; fetching these ahead would be in vain. */
export class KnownShards extends BoundedMap<string, KnownShard> {
  constructor() {
    super(MAX_KNOWN);
  }
}
