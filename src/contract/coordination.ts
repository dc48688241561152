/** What partitions, coordinator and admin tell one another by RPC. */
import { z } from "zod";
import type { Explanation as EngineExplanation } from "../core/engine/explanation.ts";
import type { Region } from "../core/placement/regions.ts";
import type { Topology } from "../core/placement/topology.ts";
import type { ProofCounts } from "../core/proof/control-arm.ts";
import { type VersionedSettings, versionedSettingsSchema } from "./settings.ts";

/** A partition says that it is alive, and what it knows already. */
export interface Heartbeat {
  readonly partition: string;
  readonly region: Region;
  readonly incarnation: number;
  readonly settingsVersion: number;
  readonly sliceVersion: number;
  /** ms since the last heartbeat that was answered was sent; absent when there was none. */
  readonly sinceLast?: number;
}

/** The coordinator's answer: only what changed. */
export const heartbeatAnswerSchema = z.object({
  settings: versionedSettingsSchema.optional(),
  slice: z
    .object({
      version: z.number(),
      whole: z.boolean(),
      entries: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.number(), z.number()]))])),
    })
    .optional(),
  /** Strong writes that may have happened while this partition had no lease; their copies go before it is renewed. */
  changes: z.array(z.object({ shard: z.string(), etag: z.string().optional(), uploaded: z.number() })),
  /** How far back, in ms, the list of changes is complete. */
  coverage: z.number().nonnegative(),
  /** Shards this region keeps warm: they are held on disk before others. */
  warm: z.array(z.string()),
});
export type HeartbeatAnswer = z.infer<typeof heartbeatAnswerSchema>;

/** What the edge Worker caches: never read on the path of a request. */
export interface EdgeState {
  readonly topology: Topology;
  readonly settings: VersionedSettings;
}

/** A partition's numbers for the admin API. */
export interface PartitionStatus {
  readonly partition: string;
  readonly region: string;
  readonly incarnation: number;
  readonly settingsVersion: number;
  readonly sliceVersion: number;
  readonly memory: { readonly bytes: number; readonly capacity: number; readonly shards: number };
  readonly disk: { readonly bytes: number; readonly shards: number; readonly corrupt: number };
  readonly reads: number;
  readonly hits: number;
  readonly prefetchedHits: number;
  readonly diskHits: number;
  readonly misses: number;
  readonly collapsed: number;
  readonly revalidations: number;
  readonly bypassed: number;
  readonly storageReads: number;
  readonly eventQueue: { readonly waiting: number; readonly dropped: number; readonly learned: number };
  readonly prefetchQueue: {
    readonly waiting: number;
    readonly underWay: number;
    readonly issued: number;
    readonly used: number;
    readonly evictedUnused: number;
    readonly expired: number;
    readonly refused: number;
  };
  readonly reportsSent: number;
  readonly faults: number;
  readonly proof: { readonly counts: ProofCounts; readonly pausedUntil: number | null };
}

/** Why a shard is in a partition, or is not. */
export interface Explanation {
  readonly partition: string;
  readonly shard: string;
  readonly memory: {
    readonly bytes: number;
    readonly etag: string;
    readonly validatedAt: number;
    readonly uses: number;
    /** Fetched ahead and not asked for since. */
    readonly prefetched: boolean;
  } | null;
  readonly disk: boolean;
  readonly underWay: boolean;
  readonly waiting: boolean;
  /** The last decision about it: the event, the expert, the probability, the price and the verdict. */
  readonly decision: {
    readonly at: number;
    readonly event: string;
    readonly after?: string;
    readonly expert: string;
    readonly probability: number;
    readonly price: number;
    readonly verdict: string;
  } | null;
  /** What the prediction engine knows of it. */
  readonly engine: EngineExplanation;
}
