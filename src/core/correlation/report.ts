import type { ReliabilityState } from "../prediction/reliability.ts";
import type { EpochMillis } from "../units.ts";

/** `from` was followed by `to`, of the same user. */
export interface EdgeDelta {
  readonly from: string;
  readonly to: string;
  readonly count: number;
  /** Delays: pairs of (bin, count), where bin b ≥ 1 holds 2^(b−1) to 2^b ms, bin 0 less than 1 ms. */
  readonly delays: readonly (readonly [bin: number, count: number])[];
}

/** How often `name` was seen. */
export interface CountDelta {
  readonly name: string;
  readonly count: number;
}

/** Reads of a shard. */
export interface DemandDelta {
  readonly shard: string;
  readonly reads: number;
  readonly misses: number;
}

/**
 * What a partition learned since its last report: counts and deltas, no users, bounded. (partition, sequence) names it,
 * so that one delivered twice counts once.
 */
export interface EventReport {
  readonly partition: string;
  readonly region: string;
  /** Counts up from 1 for each report of the partition. */
  readonly sequence: number;
  readonly from: EpochMillis;
  readonly until: EpochMillis;
  /** Events per event type. */
  readonly types: readonly CountDelta[];
  /** Event type after event type. */
  readonly typePairs: readonly EdgeDelta[];
  /** Shard read after an event of a type. */
  readonly typeShards: readonly EdgeDelta[];
  /** Shard after shard. */
  readonly shards: readonly EdgeDelta[];
  /** Steps made from each shard that `shards` starts from, whether or not the step itself is told. */
  readonly steps: readonly CountDelta[];
  readonly demand: readonly DemandDelta[];
  readonly hits: number;
  readonly misses: number;
  readonly late: number;
  readonly prefetches: number;
  readonly prefetchesUsed: number;
  readonly reliability: ReliabilityState;
  /** The partition saw its pattern change significantly: reason for a scan at once. */
  readonly changed: boolean;
  /** Edges that found no room in the report. */
  readonly dropped: number;
}
