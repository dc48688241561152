/** The RPC interfaces of the objects, and what is told by them. Classes implement them, bindings name them. */
import { z } from "zod";
import type { Change, LoggedChanges } from "../core/coherence/change.ts";
import type { Announcement } from "../core/coherence/lease-manager.ts";
import type { Member } from "../core/coherence/membership.ts";
import type { Correlation } from "../core/correlation/correlation-matrix.ts";
import type { EventRate } from "../core/correlation/event-rates.ts";
import type { CalibrationBin, RegionReadStats } from "../core/correlation/outcomes.ts";
import type { ShownMap } from "../core/correlation/shared-model.ts";
import type { SurgeCell } from "../core/correlation/surges.ts";
import type { Explanation as EngineExplanation } from "../core/engine/explanation.ts";
import type { EngineMind } from "../core/engine/mind.ts";
import type { ShardEvent } from "../core/event.ts";
import type { Placement, RegionMove } from "../core/placement/rebalance.ts";
import type { Region } from "../core/placement/regions.ts";
import type { Topology } from "../core/placement/topology.ts";
import type { Prefetch, PrefetchReason } from "../core/prefetch/prefetch.ts";
import type { PrefetchDecision } from "../core/prefetch/prefetch-history.ts";
import type { ReadCounts } from "../core/reporting/read-counts.ts";
import type { PartitionEvent } from "./events.ts";
import type { DeadLetter, PlannedPrefetch, Report } from "./messages.ts";
import type { Sealed } from "./mind.ts";
import { type RoutingState, topologySchema } from "./routing-state.ts";
import { type VersionedSettings, versionedSettingsSchema } from "./settings.ts";

/** A partition says that it is alive, and what it knows already. */
export interface Heartbeat {
  readonly partition: string;
  readonly region: Region;
  readonly incarnation: number;
  readonly settingsVersion: number;
  readonly topologyVersion: number;
  readonly mapVersion: number;
  /** The number of the change log up to which it has heard everything; absent when it has heard nothing. */
  readonly at?: number;
}

/** The coordinator's answer: only what changed. */
export const heartbeatAnswerSchema = z.object({
  settings: versionedSettingsSchema.optional(),
  topology: topologySchema.optional(),
  mapDelta: z
    .object({
      version: z.number(),
      whole: z.boolean(),
      entries: z
        .array(
          z
            .tuple([z.string(), z.array(z.tuple([z.string(), z.number(), z.number()]).readonly()).readonly()])
            .readonly(),
        )
        .readonly(),
    })
    .optional(),
  /** What changed since; older copies go before the lease is renewed. */
  logged: z.object({
    after: z.number(),
    upTo: z.number(),
    changes: z
      .array(
        z.object({
          shard: z.string(),
          etag: z.string().optional(),
          version: z.string().optional(),
          uploaded: z.number(),
        }),
      )
      .readonly(),
  }),
  /** Shards this region keeps warm: they are held on disk before others. */
  warm: z.array(z.string()).readonly(),
});
export type HeartbeatAnswer = z.infer<typeof heartbeatAnswerSchema>;

/** What a partition answers an edge Worker besides: its state, where it has newer than the caller named. */
export interface WithRoutingState {
  readonly state?: RoutingState;
}

/** A partition's numbers for the admin API. */
export interface PartitionStatus {
  readonly partition: string;
  readonly region: string;
  readonly incarnation: number;
  readonly settingsVersion: number;
  readonly mapVersion: number;
  readonly memory: { readonly bytes: number; readonly capacity: number; readonly shards: number };
  readonly disk: { readonly bytes: number; readonly shards: number; readonly corrupt: number };
  /** Counted since it began or was told to forget; a crash may lose the last seconds, {@link CoordinatorOverview.totals} last. */
  readonly counts: ReadCounts;
  readonly reportsSent: number;
  readonly eventQueue: { readonly waiting: number; readonly dropped: number };
  readonly prefetchQueue: {
    readonly waiting: number;
    readonly inFlight: number;
    readonly evictedUnused: number;
    readonly expired: number;
    readonly refused: number;
  };
  /** Until when prefetching is paused because it did not pay; null when it is not. */
  readonly pausedUntil: number | null;
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
  readonly inFlight: boolean;
  readonly waiting: boolean;
  /** The last decision about fetching it ahead, and what came of it. */
  readonly decision: PrefetchDecision | null;
  /** What the prediction engine knows of it. */
  readonly engine: EngineExplanation;
}

/** The coordinator's learned state as people look at it. Times in ms since the epoch. */
export interface CoordinatorOverview {
  readonly members: readonly ({ readonly partition: string } & Member)[];
  /** The correlation matrix: within visits, and between surges. */
  readonly correlations: readonly Correlation[];
  readonly surges: readonly SurgeCell[];
  readonly probabilityMap: ShownMap;
  readonly placement: Placement;
  readonly topology: Topology;
  readonly rates: readonly EventRate[];
  readonly outcomes: readonly RegionReadStats[];
  /** What each partition reported since it was first heard of. */
  readonly totals: readonly {
    readonly partition: string;
    readonly since: number;
    readonly counts: ReadCounts;
  }[];
  readonly calibration: readonly CalibrationBin[];
  readonly scans: readonly { readonly at: number; readonly planned: number }[];
  readonly deadLetters: readonly (DeadLetter & { readonly receivedAt: number })[];
  readonly learnedStateWasDamaged: boolean;
}

/** What one partition of a region has for another. */
export interface NeighbourMail {
  /** What users did whose home the receiver is. */
  readonly events: readonly ShardEvent[];
  /** What the sender predicts, of shards that the receiver owns. */
  readonly prefetches: readonly Prefetch[];
}

/** A partition, besides its `fetch`, by which reads come. */
export interface PartitionRpc extends Rpc.DurableObjectBranded {
  fetch(request: Request): Promise<Response>;
  /**
   * Takes events that are no reads; answers how many fitted on the event queue. `known` names the versions of topology and
   * settings that the caller knows.
   */
  observe(
    events: readonly PartitionEvent[],
    known?: string,
  ): WithRoutingState & { readonly accepted: number };
  /** Shards were written or deleted: older copies are dropped, and what is being fetched of them is not kept. */
  invalidate(changes: readonly Change[], known?: string): WithRoutingState;
  /** The same of a piece of the change log, which counts as heard then. */
  hear(logged: LoggedChanges): void;
  /** Proposes shards to fetch ahead; false when the prefetch queue is full: try again later. Idempotent. */
  prefetch(proposals: readonly PlannedPrefetch[], reason: PrefetchReason): boolean;
  /** Takes what another partition of the region has for this one: what the home learns from, and the owner fetches. */
  receive(mail: NeighbourMail): void;
  status(): PartitionStatus;
  /** Why a shard is here, or is not, as far as this partition remembers. */
  explain(shard: string): Explanation;
  /** Prefetches waiting. */
  prefetches(): readonly Prefetch[];
  /** What it learned, for a new sibling; null when that is nothing. Some ms of work, within 512 KiB. */
  mind(): Sealed<EngineMind> | null;
  /** Drops every copy and everything learned and counted, and hears the settings anew. Stored shards stay. */
  forget(): Promise<void>;
}

/** The coordinator. Never on the read path. */
export interface CoordinatorRpc extends Rpc.DurableObjectBranded {
  /** A partition says that it is alive and hears what changed. */
  heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer>;
  /** Merges reports, each once however often it is delivered; returns how many were new. */
  applyReports(reports: readonly Report[]): number;
  /** What edge Workers route and validate with. */
  routingState(): Promise<RoutingState>;
  /** The settings object has a new version. */
  settingsChanged(settings: VersionedSettings): void;
  /** Names of the partitions that may hold copies. */
  members(): readonly string[];
  /** Numbers and logs changes; the caller tells the partitions named. One that it does not reach hears with its heartbeat. */
  announceBounded(changes: readonly Change[]): Announcement;
  /** Resolves when no partition can serve anything older than these changes any more. */
  announceStrong(changes: readonly Change[]): Promise<void>;
  /** One round of placement. */
  rebalance(): Promise<readonly RegionMove[]>;
  recordDeadLetters(letters: readonly DeadLetter[]): void;
  /** The learned state as people look at it. */
  overview(): CoordinatorOverview;
  /** Forgets everything learned here and in all partitions, and their copies. Stored shards and settings stay. */
  forget(): Promise<void>;
}
