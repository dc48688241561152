/** A shard that users read and write. */
export interface ShardKind {
  readonly shard: string;
  /** What its writers keep with it; one that is written again has the next, often with the same bytes. */
  readonly cacheControls: readonly (string | undefined)[];
  /** Its size in cells of 8 bytes. */
  readonly cells: readonly [least: number, most: number];
  /** How often it is used, against the others. */
  readonly weight: number;
  /** There from the beginning. */
  readonly isThere?: boolean;
}

const SMALL = [64, 400] as const;

/** Few, so that readers and writers meet. */
export const SHARDS: readonly ShardKind[] = [
  { shard: "default/a", cacheControls: [undefined], cells: SMALL, weight: 4 },
  { shard: "default/b", cacheControls: [undefined, "public"], cells: SMALL, weight: 2 },
  { shard: "hour/a", cacheControls: ["max-age=3600"], cells: SMALL, weight: 5 },
  { shard: "hour/b", cacheControls: ["max-age=3600", "s-maxage=3600, max-age=0"], cells: SMALL, weight: 3 },
  { shard: "headers/a", cacheControls: ["public", "no-store", "max-age=3600"], cells: SMALL, weight: 2 },
  { shard: "seconds/a", cacheControls: ["max-age=3"], cells: SMALL, weight: 1 },
  { shard: "asks/a", cacheControls: ["no-cache"], cells: SMALL, weight: 1 },
  { shard: "large/a", cacheControls: ["max-age=3600"], cells: [2_100, 2_400], weight: 0.3 },
  { shard: "grows/a", cacheControls: ["max-age=3600"], cells: [300, 2_400], weight: 0.3 },
  {
    shard: "immutable/a",
    cacheControls: ["max-age=3600, immutable", "immutable"],
    cells: SMALL,
    weight: 2,
    isThere: true,
  },
  { shard: "immutable/b", cacheControls: ["immutable"], cells: SMALL, weight: 1, isThere: true },
  { shard: "absent/a", cacheControls: [undefined], cells: SMALL, weight: 1 },
];
