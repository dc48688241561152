import { z } from "zod";
import { MAX_KEY_LENGTH, patternOfKey, shardOfKey, typeOfKey } from "../core/keys.ts";
import { REGIONS } from "../core/placement/regions.ts";
import { MAX_CAUSE_LENGTH, PREFETCH_REASONS } from "../core/prefetch/prefetch.ts";
import { countsOf } from "../core/reporting/read-counts.ts";
import { MAX } from "../core/reporting/report.ts";
import { SECOND } from "../core/units.ts";
import { shardIdFault, shardIdSchema } from "./ids.ts";

/** A queue message may hold 128 KB, but over 64 KB counts double. */
export const MAX_MESSAGE_BYTES = 64_000;
/** Keys in one prefetch message: with ids of usual length this stays far under {@link MAX_MESSAGE_BYTES}. */
export const MAX_PREFETCH_KEYS = 100;

const partitionName = z.string().regex(/^g\d+:[a-z-]+:\d+$/, "must look like g1:weur:0");
/** A count or a weight: bounded, so that one broken report cannot drown the rest of the model. */
const count = z.number().nonnegative().max(MAX.count);
/** What a report speaks of: `s:` and a shard's id, `e:` and an event type, or `p:` and two of them. */
const reportedName = z
  .string()
  .max(MAX_KEY_LENGTH)
  .refine(
    (name) => {
      const shard = shardOfKey(name);
      if (shard !== null) return shardIdFault(shard) === null;
      return (typeOfKey(name)?.length ?? 0) > 0 || patternOfKey(name) !== null;
    },
    { error: "must be s: and a shard id, e: and an event type, or p: and two event types" },
  );
const nameIndex = z.int().min(0).max(MAX.names);

/** A partition's summary of what it learned since its last report: counts and deltas, no users. Queue `events`. */
export const reportSchema = z.object({
  partition: partitionName,
  region: z.enum(REGIONS),
  /** When this instance of the partition started: with `sequence`, what makes a report unique. */
  incarnation: z.int().nonnegative(),
  sequence: z.int().nonnegative(),
  /** When the report was made, ms since the epoch: deltas are decayed from here. */
  time: z.int().nonnegative(),
  /** Each name once; the rest refers to it by index. */
  names: z.array(reportedName).max(MAX.names),
  /** `[shard or pattern, count]`: how often each occurred, with or without a follower. */
  seen: z.array(z.tuple([nameIndex, count])).max(MAX.seen),
  /** `[from, to, occurrences of "from" that "to" followed, sum of log₂(1 + delay in ms)]`. */
  edges: z.array(z.tuple([nameIndex, nameIndex, count, count])).max(MAX.edges),
  /** `[event type, tick, count]`: ticks of ten seconds since the epoch. */
  rates: z.array(z.tuple([nameIndex, z.int().nonnegative(), count])).max(MAX.rates),
  /** `[shard, requests]`. */
  demand: z.array(z.tuple([nameIndex, count])).max(MAX.demand),
  /** Sums over the reads since the last report. */
  /** By name of `core/reporting/read-counts.ts`; one that is missing counts nothing. */
  totals: z.record(z.string(), count).transform((some) => countsOf((name) => some[name] ?? 0)),
  /** Per tenth of predicted probability: `[predictions, sum of probabilities, used]`. */
  calibration: z.array(z.tuple([count, count, count])).max(MAX.calibration),
});
export type Report = z.infer<typeof reportSchema>;

const plannedPrefetchSchema = z.object({
  shard: shardIdSchema,
  probability: z.number().min(0).max(1),
  /** Predicted arrival of the request, ms since the epoch. */
  arrival: z.int().nonnegative(),
  /** After this the prefetch is pointless and dropped. */
  expires: z.int().nonnegative(),
  /** Why, in a few words, for people. */
  cause: z.string().max(MAX_CAUSE_LENGTH).optional(),
});
export type PlannedPrefetch = z.infer<typeof plannedPrefetchSchema>;

/** A prefetch as it travels: whole ms, and without the reason, which the message has. */
export const toPlanned = ({
  shard,
  probability,
  arrival,
  expires,
  cause,
}: PlannedPrefetch): PlannedPrefetch => ({
  ...(cause !== undefined && { cause }),
  shard,
  probability,
  arrival: Math.max(0, Math.round(arrival)),
  expires: Math.max(0, Math.round(expires)),
});

/** The longest a message is held back, seconds: the queue allows a day, of which half is long past any use. */
const MAX_QUEUE_DELAY = 12 * 3_600;

/** Seconds to hold a message back so that it is delivered `lead` ms before `arrival`. */
export const queueDelay = (arrival: number, now: number, lead: number): number =>
  Math.min(MAX_QUEUE_DELAY, Math.max(0, Math.floor((arrival - now - lead) / SECOND)));

/** A queue message that was given up. */
export interface DeadLetter {
  readonly queue: string;
  readonly fault: string;
  readonly body: string;
}

/** Shards a partition should fetch. Queue `prefetch`. */
export const prefetchMessageSchema = z.object({
  partition: partitionName,
  reason: z.enum(PREFETCH_REASONS),
  prefetches: z.array(plannedPrefetchSchema).min(1).max(MAX_PREFETCH_KEYS),
});
export type PrefetchMessage = z.infer<typeof prefetchMessageSchema>;

/** A shard was written or deleted. Queue `changes`. */
export const changeMessageSchema = z.object({
  shard: shardIdSchema,
  /** The new version; absent for a delete. */
  etag: z.string().max(256).optional(),
  /** Names the write, where whoever announces it knows. */
  version: z.string().max(256).optional(),
  /** ms since the epoch. */
  uploaded: z.int().nonnegative(),
});
export type ChangeMessage = z.infer<typeof changeMessageSchema>;
