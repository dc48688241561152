import type { EpochMillis, Probability } from "../units.ts";

/** Who proposed a prefetch: the partition's own predictor, that of a neighbour, the coordinator's scan, or placement. */
export const PREFETCH_REASONS = ["predicted", "neighbour", "scan", "placement"] as const;
export type PrefetchReason = (typeof PREFETCH_REASONS)[number];

/** Characters of a cause: a sentence; it travels with each shard, and many go into one message. */
export const MAX_CAUSE_LENGTH = 120;

/** A shard to be fetched before it is asked for. */
export interface Prefetch {
  readonly shard: string;
  /** That it is asked for by `expires`. */
  readonly probability: Probability;
  /** Predicted arrival of the request. */
  readonly arrival: EpochMillis;
  /** After this the fetch is pointless. */
  readonly expires: EpochMillis;
  readonly reason: PrefetchReason;
  /** Why, in a few words, for people; at most {@link MAX_CAUSE_LENGTH} characters. */
  readonly cause?: string;
}
