import { z } from "zod";
import { REGIONS } from "../core/placement/regions.ts";
import { shardIdSchema } from "./ids.ts";

/** A queue message may hold 128 KB, but over 64 KB counts double. */
export const MAX_MESSAGE_BYTES = 64_000;
/** Keys in one prefetch message: with ids of usual length this stays far under {@link MAX_MESSAGE_BYTES}. */
export const MAX_PREFETCH_KEYS = 100;

const partitionName = z.string().regex(/^g\d+:[a-z-]+:\d+$/, "must look like g1:weur:0");
const count = z.number().nonnegative();
const key = z.string().min(1).max(2_048);

/** A partition's summary of what it learned since its last report: counts and deltas, no users. Queue `events`. */
export const reportSchema = z.object({
  partition: partitionName,
  region: z.enum(REGIONS),
  /** When this instance of the partition started: with `sequence`, what makes a report unique. */
  incarnation: z.int().nonnegative(),
  sequence: z.int().nonnegative(),
  /** When the report was made, ms since the epoch: deltas are decayed from here. */
  time: z.int().nonnegative(),
  /** `[from, to, count, mean delay in ms]`; keys as {@link ../core/learning/keys.ts} writes them. */
  edges: z.array(z.tuple([key, key, count, count])).max(2_000),
  /** `[key, count]`: how often each `from` was seen, with or without a successor. */
  seen: z.array(z.tuple([key, count])).max(2_000),
  /** `[event type, next event type, count]`. */
  pairs: z.array(z.tuple([z.string().max(64), z.string().max(64), count])).max(1_000),
  /** `[shard, requests, misses]`. */
  demand: z.array(z.tuple([shardIdSchema, count, count])).max(1_000),
});
export type Report = z.infer<typeof reportSchema>;

export const plannedPrefetchSchema = z.object({
  shard: shardIdSchema,
  probability: z.number().min(0).max(1),
  /** Predicted arrival of the request, ms since the epoch. */
  arrival: z.int().nonnegative(),
  /** After this the prefetch is pointless and dropped. */
  expires: z.int().nonnegative(),
});
export type PlannedPrefetch = z.infer<typeof plannedPrefetchSchema>;

/** Shards a partition should fetch. Queue `prefetch`. */
export const prefetchMessageSchema = z.object({
  partition: partitionName,
  reason: z.enum(["predicted", "placement"]),
  prefetches: z.array(plannedPrefetchSchema).min(1).max(MAX_PREFETCH_KEYS),
});
export type PrefetchMessage = z.infer<typeof prefetchMessageSchema>;

/** A shard was written or deleted. Queue `changes`. */
export const changeMessageSchema = z.object({
  shard: shardIdSchema,
  /** The new version; absent for a delete. */
  etag: z.string().max(256).optional(),
  /** ms since the epoch. */
  uploaded: z.int().nonnegative(),
  /** The writer's own partition, which has dropped its copy already. */
  except: partitionName.optional(),
});
export type ChangeMessage = z.infer<typeof changeMessageSchema>;
