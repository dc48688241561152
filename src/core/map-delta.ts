/** `[shard, probability, expected delay in ms]`. */
export type DeltaSuccessor = readonly [shard: string, probability: number, delay: number];
/** A key with what follows it, the likeliest first; with nothing, when it is to be forgotten. */
export type DeltaEntry = readonly [key: string, next: readonly DeltaSuccessor[]];

/** What a partition is told of the probability map. */
export interface MapDelta {
  /** To be named when asking for the next one. */
  readonly version: number;
  /** Whether this replaces what was told before, rather than adding to it. */
  readonly whole: boolean;
  readonly entries: readonly DeltaEntry[];
}
