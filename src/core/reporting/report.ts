import type { ReadCounts } from "./read-counts.ts";

/** Length of a tick of the event rates. */
export const TICK = 10_000;

/**
 * What a partition learned since its last report: counts and deltas, no users. Names stand once, in `names`; all
 * else refers to them by index. `s:` names a shard, `e:` an event type, `p:` a pattern of two.
 */
export interface ReportBody {
  readonly names: string[];
  /** `[shard or pattern, count]`: how often it occurred as something that can be followed. Types have rates. */
  readonly seen: [name: number, count: number][];
  /** `[from, to, occurrences of "from" that "to" followed, sum of log₂(1 + delay in ms)]`. */
  readonly edges: [from: number, to: number, count: number, logDelay: number][];
  /** `[event type, tick, count]`: tick n is the time from n·{@link TICK} ms since the epoch. */
  readonly rates: [type: number, tick: number, count: number][];
  /** `[shard, requests]`. */
  readonly demand: [shard: number, requests: number][];
  readonly totals: ReadCounts;
  /** Per tenth of predicted probability: `[predictions, sum of probabilities, used]`. */
  readonly calibration: [predictions: number, probability: number, used: number][];
}

/** Bounds of one report; the contract's schema refuses more. */
export const MAX = {
  /** A queue message of more than 64 KB counts double; the envelope and a margin are taken off. */
  reportBytes: 60_000,
  names: 3_000,
  seen: 1_500,
  edges: 2_000,
  rates: 300,
  demand: 600,
  /** Of the calibration: one bin for each tenth. */
  calibration: 10,
  /** Far more than one report can count; a broken one must not drown the rest. */
  count: 1_000_000_000_000,
} as const;
