import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { migrate } from "../migrations/migrate.ts";
import { PARTITION_MIGRATIONS } from "../migrations/partition/index.ts";
import type { Bindings } from "../src/bindings.ts";
import type { PartitionEvent } from "../src/contract/events.ts";
import type { PlannedPrefetch } from "../src/contract/messages.ts";
import { parseReadRequest, READ_DIRECTLY_HEADER } from "../src/contract/partition-protocol.ts";
import { ProblemError, problemResponse } from "../src/contract/problems.ts";
import {
  type Explanation,
  type HeartbeatAnswer,
  heartbeatAnswerSchema,
  type PartitionStatus,
} from "../src/contract/rpc.ts";
import {
  DEFAULT_SETTINGS,
  type VersionedSettings,
  versionedSettingsSchema,
} from "../src/contract/settings.ts";
import type { Change } from "../src/core/coherence/change.ts";
import { Lease } from "../src/core/coherence/lease.ts";
import type { ShardEvent } from "../src/core/event.ts";
import { isControl } from "../src/core/experiment/control-arm.ts";
import type { Prefetch } from "../src/core/prefetch/prefetch-queue.ts";
import { type PartitionAddress, parsePartitionName } from "../src/core/routing/route.ts";
import { epochMillis, probability, SECOND } from "../src/core/units.ts";
import { R2ShardStore } from "../src/storage/r2-shard-store.ts";
import { resilient } from "../src/storage/resilient-store.ts";
import { StorageUnavailableError } from "../src/storage/shard-store.ts";
import { assemble, engineSettings, eventOf, type PartitionParts } from "./partition/create-partition.ts";
import { DiskTier } from "./partition/disk-tier.ts";
import { HeartbeatClient } from "./partition/heartbeat-client.ts";
import { OverloadedError } from "./partition/reader.ts";

/** About every ten seconds of activity; a third of the lease term. */
const HEARTBEAT_EVERY = 10 * SECOND;
/** How long after activity the leftovers are written and reported: before an idle object leaves memory at ten. */
const HOUSEKEEPING_AFTER = 5 * SECOND;

/**
 * A processing partition: answers the reads of the users near it, holds their shards, learns from their events and
 * fetches ahead. Reads come by `fetch`, so that bytes stream; everything else is RPC.
 */
export class Partition extends DurableObject<Bindings> {
  readonly #address: PartitionAddress;
  readonly #disk: DiskTier;
  readonly #lease: Lease;
  readonly #heart: HeartbeatClient;
  #parts: PartitionParts;
  #settings: VersionedSettings;
  #mapVersion = 0;
  #housekeepingSet = false;

  constructor(context: DurableObjectState, env: Bindings) {
    super(context, env);
    migrate(context.storage, PARTITION_MIGRATIONS);
    this.#address = addressOf(context.id);
    this.#settings = loadSettings(context.storage);
    this.#lease = loadLease(context.storage);
    this.#disk = new DiskTier(context.storage, this.#settings.settings.diskBytes);
    this.#parts = this.#assemble();
    this.#heart = new HeartbeatClient({
      lease: this.#lease,
      now: () => Date.now(),
      sleep: (millis) => scheduler.wait(millis),
      send: (sinceLast) => this.#sendHeartbeat(sinceLast),
      invalidate: (change) => this.#drop(change),
      apply: (answer) => this.#apply(answer),
      onFault: () => this.#parts.stats.faults++,
    });
  }

  /** A read, as {@link parseReadRequest} understands it. */
  override async fetch(request: Request): Promise<Response> {
    const read = parseReadRequest(request);
    if (read === null) return new Response("not a partition request", { status: 400 });
    const { reader, prefetcher, learner, writeBehind, engine } = this.#parts;
    this.#heart.ensureLease();
    prefetcher.demanded(read.id);
    try {
      const { response, learned } = await reader.read(read);
      if (learned !== null) {
        this.#measure(read.user, read.id, learned);
        learner.enqueue({ event: eventOf(read, Date.now()), outcome: learned });
        writeBehind.note(read.id);
      }
      return response;
    } catch (error) {
      // A guess at it would be in vain; a write makes it exist again.
      if (error instanceof ProblemError && error.code === "shard-not-found") engine.fillFailed(read.id, true);
      return failure(error);
    }
  }

  /** What prefetching is held against: what reads of either arm came to. */
  #measure(
    user: string,
    shard: string,
    outcome: { missed: boolean; prefetched: boolean; millis: number },
  ): void {
    this.#parts.arm.record(isControl(user), outcome, Date.now());
    if (!outcome.prefetched) return;
    this.#parts.decisions.turned(shard, "used");
  }

  /** Takes events that are no reads; returns how many fitted on the event queue. */
  observe(events: readonly PartitionEvent[]): number {
    return events.filter((event) =>
      this.#parts.learner.enqueue({ event: toShardEvent(event), outcome: null }),
    ).length;
  }

  /** Shards were written or deleted: older copies are dropped, and what is being fetched of them is not kept. */
  invalidate(changes: readonly Change[]): void {
    for (const change of changes) this.#drop(change);
    this.#heart.ensureLease();
  }

  /**
   * Fetches these shards ahead, by predicted arrival, as far as bounds and budget allow. False when the prefetch queue is
   * full: the sender should try again later. Idempotent.
   */
  prefetch(planned: readonly PlannedPrefetch[], reason: Prefetch["reason"]): boolean {
    if (this.#parts.prefetcher.isFull) return false;
    this.#parts.prefetcher.offer(
      planned.map(({ shard, probability: p, arrival, expires }) => ({
        shard,
        probability: probability(p),
        arrival: epochMillis(arrival),
        expires: epochMillis(expires),
        reason,
      })),
    );
    if (reason === "placement") this.#parts.writeBehind.earn(planned.map(({ shard }) => shard));
    this.#afterActivity();
    return true;
  }

  status(): PartitionStatus {
    const { memory, learner, prefetcher, reporting, arm, stats: all } = this.#parts;
    const { eventsLearned, prefetchesIssued, prefetchesUsed, ...stats } = all;
    return {
      partition: this.#address.name,
      region: this.#address.region,
      incarnation: reporting.incarnation,
      settingsVersion: this.#settings.version,
      mapVersion: this.#mapVersion,
      memory: { bytes: memory.used, capacity: memory.capacity, shards: memory.count },
      disk: { bytes: this.#disk.used, shards: this.#disk.count, corrupt: this.#disk.corrupt },
      ...stats,
      eventQueue: { waiting: learner.waiting, dropped: learner.dropped, learned: eventsLearned },
      prefetchQueue: {
        waiting: prefetcher.waiting,
        underWay: prefetcher.active,
        issued: prefetchesIssued,
        used: prefetchesUsed,
        evictedUnused: memory.evictedUnused,
        expired: prefetcher.expired,
        refused: prefetcher.refused,
      },
      proof: { counts: arm.counts(), pausedUntil: arm.pausedUntil(Date.now()) },
    };
  }

  /** Why a shard is here, or is not, as far as this partition remembers. */
  explain(shard: string): Explanation {
    const { memory, fills, prefetcher, decisions, engine } = this.#parts;
    const copy = memory.peek(shard);
    return {
      partition: this.#address.name,
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
      underWay: fills.isInFlight(shard),
      waiting: prefetcher.list().some((prefetch) => prefetch.shard === shard),
      decision: decisions.of(shard),
      engine: engine.explain(shard),
    };
  }

  /** Prefetches waiting, for the admin API. */
  prefetches(): readonly Prefetch[] {
    return this.#parts.prefetcher.list();
  }

  /** Drops every copy and everything learned and counted, and hears the settings anew. Stored shards stay. */
  async forget(): Promise<void> {
    // Also what is still at work on the old parts must find nothing to keep.
    this.#parts.fills.fenceAll();
    this.#parts.writeBehind.clear();
    this.#parts.memory.clear();
    this.#disk.clear();
    this.#parts = this.#assemble();
    this.#mapVersion = 0;
    await this.#heart.sendNow();
  }

  /** Housekeeping after activity: what earned it goes to SQLite, what was learned to the coordinator. */
  override async alarm(): Promise<void> {
    this.#housekeepingSet = false;
    await this.#parts.writeBehind.flush();
    await this.#parts.reporting.send().catch(() => this.#parts.stats.faults++);
  }

  #drop(change: Change): void {
    this.#parts.reader.invalidate(change);
    this.#parts.prefetcher.changed(change.shard);
  }

  #assemble(): PartitionParts {
    return assemble({
      address: this.#address,
      store: resilient(new R2ShardStore(this.env.SHARDS)),
      disk: this.#disk,
      lease: this.#lease,
      leaseSettled: () => this.#heart.settled(),
      settings: () => this.#settings.settings,
      now: () => Date.now(),
      send: {
        report: (report) => this.env.EVENTS.send(report),
        prefetch: (message, delaySeconds) => this.env.PREFETCH.send(message, { delaySeconds }),
      },
      afterwards: () => this.#afterActivity(),
    });
  }

  /** Work that waits until responses are on their way, and happens only while there is activity. */
  #afterActivity(): void {
    this.#heart.sendAfter(HEARTBEAT_EVERY);
    if (this.#housekeepingSet) return;
    this.#housekeepingSet = true;
    // Unconfirmed: no response has to wait for it, and losing it loses only warmth.
    this.ctx.storage
      .setAlarm(Date.now() + HOUSEKEEPING_AFTER, { allowUnconfirmed: true })
      .catch(() => this.#parts.stats.faults++);
  }

  async #sendHeartbeat(sinceLast: number | undefined): Promise<HeartbeatAnswer> {
    const answer: unknown = await this.env.COORDINATOR.getByName("main").heartbeat({
      partition: this.#address.name,
      region: this.#address.region,
      incarnation: this.#parts.reporting.incarnation,
      settingsVersion: this.#settings.version,
      mapVersion: this.#mapVersion,
      ...(sinceLast !== undefined && { sinceLast }),
    });
    return heartbeatAnswerSchema.parse(answer);
  }

  #apply(answer: HeartbeatAnswer): void {
    // Unconfirmed: no response waits for it, and an older lease read back is only more careful.
    void this.ctx.storage.put("lease", this.#lease.toState(), { allowUnconfirmed: true });
    if (answer.mapDelta !== undefined) {
      this.#parts.engine.applyMapDelta(answer.mapDelta);
      this.#mapVersion = answer.mapDelta.version;
    }
    this.#parts.writeBehind.keep(answer.warm);
    if (answer.settings !== undefined && answer.settings.version !== this.#settings.version)
      this.#applySettings(answer.settings);
  }

  #applySettings(versioned: VersionedSettings): void {
    this.#settings = versioned;
    const { settings } = versioned;
    this.#parts.engine.setSettings(engineSettings(settings));
    this.#parts.memory.resize(Math.max(1, settings.memoryBytes));
    this.#disk.resize(settings.diskBytes);
    this.ctx.storage.sql.exec(
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

function loadSettings(storage: DurableObjectStorage): VersionedSettings {
  const fallback = { version: 0, settings: DEFAULT_SETTINGS };
  const [row] = storage.sql.exec("SELECT body FROM documents WHERE name = 'settings'").toArray();
  if (row === undefined) return fallback;
  try {
    return versionedSettingsSchema.catch(fallback).parse(JSON.parse(String(row.body)));
  } catch {
    return fallback; // A damaged row: the next heartbeat brings the settings again.
  }
}

const leaseSchema = z.object({ until: z.number(), safeSince: z.number() });

function loadLease(storage: DurableObjectStorage): Lease {
  const parsed = leaseSchema.safeParse(storage.kv.get("lease"));
  return parsed.success ? Lease.fromState(parsed.data) : new Lease();
}

function addressOf(id: DurableObjectId): PartitionAddress {
  const address = parsePartitionName(id.name ?? "");
  if (address === null) throw new Error("a partition must be named like g1:weur:0");
  return address;
}

function failure(error: unknown): Response {
  if (error instanceof OverloadedError)
    return new Response(null, { status: 503, headers: { [READ_DIRECTLY_HEADER]: "overloaded" } });
  if (error instanceof ProblemError) return problemResponse(error);
  if (error instanceof StorageUnavailableError)
    return problemResponse(
      new ProblemError("storage-unavailable", "The storage did not answer; try again in a moment.", {
        "Retry-After": "1",
      }),
    );
  console.error("partition: a read failed", error instanceof Error ? error.name : "unknown");
  return problemResponse(new ProblemError("internal", "The read failed; try again."));
}
