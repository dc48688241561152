import { z } from "zod";
import { type Migration, migrate } from "../../migrations/migrate.ts";
import type { PartitionEvent } from "../../src/contract/events.ts";
import type { PlannedPrefetch, PrefetchMessage, Report } from "../../src/contract/messages.ts";
import { parseReadRequest, READ_DIRECTLY_HEADER } from "../../src/contract/partition-protocol.ts";
import { ProblemError, problemResponse } from "../../src/contract/problems.ts";
import {
  type Explanation,
  type Heartbeat,
  type HeartbeatAnswer,
  heartbeatAnswerSchema,
  type PartitionStatus,
} from "../../src/contract/rpc.ts";
import {
  DEFAULT_SETTINGS,
  type VersionedSettings,
  versionedSettingsSchema,
} from "../../src/contract/settings.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Change } from "../../src/core/coherence/change.ts";
import { Lease } from "../../src/core/coherence/lease.ts";
import type { EngineSettings } from "../../src/core/engine/settings.ts";
import type { ShardEvent } from "../../src/core/event.ts";
import { isControl } from "../../src/core/experiment/control-arm.ts";
import type { Prefetch, PrefetchReason } from "../../src/core/prefetch/prefetch.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { epochMillis, probability, SECOND } from "../../src/core/units.ts";
import { problemOf } from "../../src/http/failures.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { createPartition, engineSettings, eventOf, type PartitionParts } from "./create-partition.ts";
import { type Digest, DiskTier } from "./disk-tier.ts";
import { HeartbeatClient } from "./heartbeat-client.ts";
import { OverloadedError } from "./reader.ts";
import { countsNow } from "./stats.ts";

/** About every ten seconds of activity; half of what a partition uses of its lease. */
const HEARTBEAT_EVERY = 10 * SECOND;
/** How long after activity the leftovers are written and reported: before an idle object leaves memory at ten. */
const HOUSEKEEPING_AFTER = 5 * SECOND;

/** All that a partition has of the world around it. */
export interface PartitionNodeDeps {
  readonly address: PartitionAddress;
  readonly storage: NodeStorage;
  /** Steps of the storage's schema. */
  readonly migrations: readonly Migration[];
  readonly store: ShardStore;
  readonly clock: Clock;
  /** Asks the coordinator; its answer is parsed here. */
  readonly heartbeat: (beat: Heartbeat) => Promise<unknown>;
  readonly sendReport: (report: Report) => Promise<unknown>;
  readonly sendPrefetch: (message: PrefetchMessage, delaySeconds: number) => Promise<unknown>;
  /** Overrides of the engine's own settings, for simulations scaled down. */
  readonly engine?: Partial<EngineSettings>;
  /** Computes SHA-256; the platform's own but for simulations, where it takes virtual time. */
  readonly digest?: Digest;
}

/**
 * A processing partition, platform aside: answers the reads of the users near it, holds their shards, learns from their
 * events and fetches ahead. The Durable Object around it, and every simulation, runs this very node.
 */
export class PartitionNode {
  readonly #deps: PartitionNodeDeps;
  readonly #disk: DiskTier;
  readonly #lease: Lease;
  readonly #heartbeats: HeartbeatClient;
  #parts: PartitionParts;
  #settings: VersionedSettings;
  #mapVersion = 0;
  #housekeepingSet = false;

  constructor(deps: PartitionNodeDeps) {
    const { storage, clock, migrations } = deps;
    this.#deps = deps;
    migrate(storage, migrations);
    this.#settings = loadSettings(storage);
    const memo = loadMemo(storage);
    this.#lease = memo === null ? new Lease() : Lease.fromState(memo.lease);
    this.#disk = new DiskTier(storage, this.#settings.settings.diskBytes, deps.digest);
    this.#parts = this.#create();
    if (memo !== null) this.#parts.engine.restorePrefetchRecords(memo.prefetching);
    this.#heartbeats = new HeartbeatClient({
      lease: this.#lease,
      clock,
      send: (sinceLast) => this.#sendHeartbeat(sinceLast),
      invalidate: (change) => this.#drop(change),
      apply: (answer) => this.#apply(answer),
      onFault: () => this.#parts.stats.faults++,
    });
  }

  /** A read, as {@link parseReadRequest} understands it. */
  async fetch(request: Request): Promise<Response> {
    const read = parseReadRequest(request);
    if (read === null) return new Response("not a partition request", { status: 400 });
    const { reader, prefetcher, events, writeBehind, arm, stats } = this.#parts;
    this.#heartbeats.ensureLease();
    prefetcher.demanded(read.id);
    try {
      const { response, learned } = await reader.read(read);
      if (learned !== null) {
        const now = this.#deps.clock.now();
        // What prefetching is held against: what reads of either arm came to.
        arm.record(isControl(read.user), learned, now);
        stats.bytes += learned.size;
        events.enqueue({ event: eventOf(read, now), outcome: learned });
        writeBehind.note(read.id);
      }
      return response;
    } catch (error) {
      return failure(error);
    }
  }

  observe(events: readonly PartitionEvent[]): number {
    return events.filter((event) => this.#parts.events.enqueue({ event: toShardEvent(event), outcome: null }))
      .length;
  }

  invalidate(changes: readonly Change[]): void {
    for (const change of changes) this.#drop(change);
    this.#heartbeats.ensureLease();
  }

  prefetch(proposals: readonly PlannedPrefetch[], reason: PrefetchReason): boolean {
    const { prefetcher, writeBehind } = this.#parts;
    if (prefetcher.isFull) return false;
    prefetcher.consider(
      proposals.map(({ shard, probability: p, arrival, expires, cause }) => ({
        ...(cause !== undefined && { cause }),
        shard,
        probability: probability(p),
        arrival: epochMillis(arrival),
        expires: epochMillis(expires),
        reason,
      })),
    );
    if (reason === "placement") writeBehind.earn(proposals.map(({ shard }) => shard));
    this.#afterActivity();
    return true;
  }

  status(): PartitionStatus {
    const { memory, events, prefetcher, reporting, arm, stats } = this.#parts;
    const { address, clock } = this.#deps;
    return {
      partition: address.name,
      region: address.region,
      incarnation: reporting.incarnation,
      settingsVersion: this.#settings.version,
      mapVersion: this.#mapVersion,
      memory: { bytes: memory.used, capacity: memory.capacity, shards: memory.count },
      disk: { bytes: this.#disk.used, shards: this.#disk.count, corrupt: this.#disk.corrupt },
      sinceLoaded: countsNow(stats, arm),
      reportsSent: stats.reportsSent,
      eventQueue: { waiting: events.waiting, dropped: events.dropped },
      prefetchQueue: {
        waiting: prefetcher.waiting,
        inFlight: prefetcher.active,
        evictedUnused: memory.evictedUnused,
        expired: prefetcher.expired,
        refused: prefetcher.refused,
      },
      pausedUntil: arm.pausedUntil(clock.now()),
    };
  }

  explain(shard: string): Explanation {
    const { memory, fills, prefetcher, engine } = this.#parts;
    const copy = memory.peek(shard);
    return {
      partition: this.#deps.address.name,
      shard,
      memory:
        copy === undefined
          ? null
          : {
              bytes: copy.meta.size,
              etag: copy.meta.etag,
              validatedAt: copy.validatedAt,
              uses: copy.uses,
              prefetched: copy.prefetched,
            },
      disk: this.#disk.has(shard),
      inFlight: fills.isInFlight(shard),
      waiting: prefetcher.list().some((prefetch) => prefetch.shard === shard),
      decision: engine.decisionOn(shard) ?? null,
      engine: engine.explain(shard),
    };
  }

  prefetches(): readonly Prefetch[] {
    return this.#parts.prefetcher.list();
  }

  async forget(): Promise<void> {
    // Also what is still at work on the old parts must find nothing to keep.
    this.#parts.fills.fenceAll();
    this.#parts.writeBehind.clear();
    this.#parts.memory.clear();
    this.#disk.clear();
    this.#parts = this.#create();
    this.#mapVersion = 0;
    await this.#heartbeats.sendNow();
  }

  /** Housekeeping after activity: what earned it goes to SQLite, what was learned to the coordinator. */
  async alarm(): Promise<void> {
    this.#housekeepingSet = false;
    await this.#parts.writeBehind.flush();
    await this.#parts.reporting.send().catch(() => this.#parts.stats.faults++);
  }

  #drop(change: Change): void {
    this.#parts.reader.invalidate(change);
  }

  #create(): PartitionParts {
    const { address, store, clock, sendReport, sendPrefetch, engine = {} } = this.#deps;
    return createPartition({
      address,
      store,
      disk: this.#disk,
      lease: this.#lease,
      leaseSettled: () => this.#heartbeats.settled(),
      settings: () => this.#settings.settings,
      engine,
      clock,
      sendReport,
      sendPrefetch,
      afterwards: () => this.#afterActivity(),
    });
  }

  /** Work that waits until responses are on their way, and happens only while there is activity. */
  #afterActivity(): void {
    this.#heartbeats.sendAfter(HEARTBEAT_EVERY);
    if (this.#housekeepingSet) return;
    this.#housekeepingSet = true;
    const { storage, clock } = this.#deps;
    // Unconfirmed: no response has to wait for it, and losing it loses only warmth.
    storage
      .setAlarm(clock.now() + HOUSEKEEPING_AFTER, { allowUnconfirmed: true })
      .catch(() => this.#parts.stats.faults++);
  }

  async #sendHeartbeat(sinceLast: number | undefined): Promise<HeartbeatAnswer> {
    const { address, heartbeat } = this.#deps;
    const answer = await heartbeat({
      partition: address.name,
      region: address.region,
      incarnation: this.#parts.reporting.incarnation,
      settingsVersion: this.#settings.version,
      mapVersion: this.#mapVersion,
      ...(sinceLast !== undefined && { sinceLast }),
    });
    return heartbeatAnswerSchema.parse(answer);
  }

  #apply(answer: HeartbeatAnswer): void {
    // Unconfirmed: no response waits for it, and an older lease read back is only more careful.
    this.#deps.storage
      .put(MEMO, this.#memo(), { allowUnconfirmed: true })
      .catch(() => this.#parts.stats.faults++);
    if (answer.mapDelta !== undefined) {
      this.#parts.engine.applyMapDelta(answer.mapDelta);
      this.#mapVersion = answer.mapDelta.version;
    }
    this.#parts.writeBehind.keep(answer.warm);
    if (answer.settings !== undefined && answer.settings.version !== this.#settings.version)
      this.#applySettings(answer.settings);
  }

  #memo(): Memo {
    return { lease: this.#lease.toState(), prefetching: this.#parts.engine.prefetchRecords };
  }

  #applySettings(versioned: VersionedSettings): void {
    this.#settings = versioned;
    const { settings } = versioned;
    this.#parts.engine.setSettings(engineSettings(settings));
    this.#parts.memory.resize(Math.max(1, settings.memoryBytes));
    this.#disk.resize(settings.diskBytes);
    this.#deps.storage.sql.exec(
      "INSERT OR REPLACE INTO documents (name, body) VALUES ('settings', ?)",
      JSON.stringify(versioned),
    );
  }
}

const toShardEvent = ({ time, dataType, shard, type, user, region }: PartitionEvent): ShardEvent => ({
  type,
  user,
  region,
  time: epochMillis(time),
  ...(shard !== undefined && { shard }),
  ...(dataType !== undefined && { dataType }),
});

function loadSettings({ sql }: NodeStorage): VersionedSettings {
  const fallback = { version: 0, settings: DEFAULT_SETTINGS };
  const [row] = sql.exec("SELECT body FROM documents WHERE name = 'settings'").toArray();
  if (row === undefined) return fallback;
  try {
    return versionedSettingsSchema.catch(fallback).parse(JSON.parse(String(row.body)));
  } catch {
    return fallback; // A damaged row: the next heartbeat brings the settings again.
  }
}

/** The key of the memo. */
const MEMO = "memo";

/** What outlives a partition's memory besides its copies and settings: one small document, stored with each heartbeat. */
const memoSchema = z.object({
  lease: z.object({ until: z.number(), safeSince: z.number() }),
  /** What prefetches for each reason came to. */
  prefetching: z.record(
    z.string(),
    z.object({ promised: z.number().positive(), kept: z.number().nonnegative() }),
  ),
});
type Memo = z.infer<typeof memoSchema>;

function loadMemo({ kv }: NodeStorage): Memo | null {
  const parsed = memoSchema.safeParse(kv.get(MEMO));
  return parsed.success ? parsed.data : null;
}

function failure(error: unknown): Response {
  if (error instanceof OverloadedError)
    return new Response(null, { status: 503, headers: { [READ_DIRECTLY_HEADER]: "overloaded" } });
  const problem = problemOf(error);
  if (problem !== null) return problemResponse(problem);
  console.error("partition: a read failed", error instanceof Error ? error.name : "unknown");
  return problemResponse(new ProblemError("internal", "The read failed; try again."));
}
