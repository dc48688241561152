import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { migrate } from "../migrations/migrate.ts";
import { PARTITION_MIGRATIONS } from "../migrations/partition/index.ts";
import {
  type HeartbeatAnswer,
  heartbeatAnswerSchema,
  type PartitionStatus,
} from "../src/contract/coordination.ts";
import type { PartitionEvent } from "../src/contract/events.ts";
import type { PlannedPrefetch } from "../src/contract/messages.ts";
import { parseReadRequest, READ_DIRECTLY_HEADER } from "../src/contract/partition-protocol.ts";
import { ProblemError, problemResponse } from "../src/contract/problems.ts";
import {
  DEFAULT_SETTINGS,
  type VersionedSettings,
  versionedSettingsSchema,
} from "../src/contract/settings.ts";
import { S3Fifo } from "../src/core/cache/s3fifo.ts";
import type { Change } from "../src/core/coherence/change.ts";
import { Lease } from "../src/core/coherence/lease.ts";
import type { Prefetch } from "../src/core/queues/prefetch-queue.ts";
import { type PartitionAddress, parsePartitionName } from "../src/core/routing/route.ts";
import { epochMillis, probability, SECOND } from "../src/core/units.ts";
import type { Env } from "../src/env.ts";
import { countingReads } from "../src/storage/counting-store.ts";
import { R2ShardStore } from "../src/storage/r2-shard-store.ts";
import { resilient } from "../src/storage/resilient-store.ts";
import { StorageUnavailableError } from "../src/storage/shard-store.ts";
import { DiskTier } from "./partition/disk-tier.ts";
import { Fills } from "./partition/fills.ts";
import { Heart } from "./partition/heart.ts";
import { Learner } from "./partition/learner.ts";
import { MemoryTier } from "./partition/memory-tier.ts";
import { Prefetcher } from "./partition/prefetcher.ts";
import { OverloadedError, Reader } from "./partition/reader.ts";
import { newStats } from "./partition/stats.ts";
import { WriteBehind } from "./partition/write-behind.ts";

/** About every ten seconds of activity; a third of the lease term. */
const HEARTBEAT_EVERY = 10 * SECOND;
/** How long after activity the leftovers are written and reported: before an idle object leaves memory at ten. */
const HOUSEKEEPING_AFTER = 5 * SECOND;

/**
 * A processing partition: answers the reads of the users near it, holds their shards, learns from their events and
 * fetches ahead. Reads come by `fetch`, so that bytes stream; everything else is RPC.
 */
export class Partition extends DurableObject<Env> {
  readonly #address: PartitionAddress;
  readonly #stats = newStats();
  readonly #memory: MemoryTier;
  readonly #disk: DiskTier;
  readonly #fills: Fills;
  readonly #reader: Reader;
  readonly #prefetcher: Prefetcher;
  readonly #learner: Learner;
  readonly #writeBehind: WriteBehind;
  readonly #heart: Heart;
  #settings: VersionedSettings;
  #sliceVersion = 0;
  #housekeepingSet = false;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    migrate(context.storage, PARTITION_MIGRATIONS);
    this.#address = addressOf(context.id);
    this.#settings = this.#loadSettings();
    const lease = loadLease(context.storage);
    const now = (): number => Date.now();
    const settings = () => this.#settings.settings;
    const stats = this.#stats;
    const store = countingReads(resilient(new R2ShardStore(env.SHARDS)), () => stats.storageReads++);
    const memory = new MemoryTier((capacity) => new S3Fifo(capacity), Math.max(1, settings().memoryBytes));
    const disk = new DiskTier(context.storage, settings().diskBytes);
    const fills = new Fills({
      store,
      memory,
      lease,
      cacheableBytes: () => settings().cacheableBytes,
      now,
    });
    this.#memory = memory;
    this.#disk = disk;
    this.#fills = fills;
    this.#reader = new Reader({
      store,
      memory,
      disk,
      fills,
      stats,
      now,
      lease,
      leaseSettled: () => this.#heart.settled(),
      freshnessMillis: () => settings().freshnessSeconds * SECOND,
      staleIfErrorMillis: () => settings().staleIfErrorSeconds * SECOND,
    });
    this.#heart = new Heart({
      lease,
      now,
      sleep: (millis) => scheduler.wait(millis),
      send: (sinceLast) => this.#heartbeat(sinceLast),
      invalidate: (change) => this.#reader.invalidate(change),
      apply: (answer) => {
        // Unconfirmed: no response waits for it, and an older lease read back is only more careful.
        void context.storage.put("lease", lease.toState(), { allowUnconfirmed: true });
        this.#apply(answer);
      },
      onFault: () => stats.faults++,
    });
    this.#prefetcher = new Prefetcher({ fills, memory, stats, settings, now });
    this.#writeBehind = new WriteBehind(memory, disk);
    this.#learner = new Learner({
      address: this.#address,
      prefetcher: this.#prefetcher,
      stats,
      settings,
      now,
      send: {
        report: (report) => env.EVENTS.send(report),
        prefetch: (message, delaySeconds) => env.PREFETCH.send(message, { delaySeconds }),
      },
      afterwards: () => this.#afterActivity(),
    });
  }

  /** A read, as {@link parseReadRequest} understands it. */
  override async fetch(request: Request): Promise<Response> {
    const read = parseReadRequest(request);
    if (read === null) return new Response("not a partition request", { status: 400 });
    this.#heart.ensureLease();
    this.#prefetcher.demanded(read.id);
    try {
      const { response, learned } = await this.#reader.read(read);
      if (learned !== null) {
        const { id: shard, user, eventType: type, dataType, region } = read;
        const event = {
          type,
          shard,
          user,
          time: epochMillis(Date.now()),
          region,
          ...(dataType && { dataType }),
        };
        this.#learner.enqueue({ event, missed: learned.missed });
        this.#writeBehind.note(shard);
      }
      return response;
    } catch (error) {
      return failure(error);
    }
  }

  /** Takes events that are no reads; returns how many fitted on the event queue. */
  observe(events: readonly PartitionEvent[]): number {
    let taken = 0;
    for (const { time, dataType, shard, type, user, region } of events) {
      const event = {
        type,
        user,
        region,
        time: epochMillis(time),
        ...(shard !== undefined && { shard }),
        ...(dataType !== undefined && { dataType }),
      };
      if (this.#learner.enqueue({ event, missed: null })) taken++;
    }
    return taken;
  }

  /** Shards were written or deleted: older copies are dropped, and what is being fetched of them is not kept. */
  invalidate(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#reader.invalidate(change);
      this.#prefetcher.changed(change.shard);
    }
    this.#heart.ensureLease();
  }

  /** Fetches these shards ahead, by predicted arrival, as far as bounds and budget allow. */
  prefetch(planned: readonly PlannedPrefetch[], reason: Prefetch["reason"]): void {
    this.#prefetcher.offer(
      planned.map(({ shard, probability: p, arrival, expires }) => ({
        shard,
        probability: probability(p),
        arrival: epochMillis(arrival),
        expires: epochMillis(expires),
        reason,
      })),
    );
    if (reason === "placement") this.#writeBehind.earn(planned.map(({ shard }) => shard));
    this.#afterActivity();
  }

  status(): PartitionStatus {
    const { eventsLearned, prefetchesIssued, prefetchesUsed, ...stats } = this.#stats;
    return {
      partition: this.#address.name,
      region: this.#address.region,
      incarnation: this.#learner.incarnation,
      settingsVersion: this.#settings.version,
      sliceVersion: this.#sliceVersion,
      memory: { bytes: this.#memory.used, capacity: this.#memory.capacity, shards: this.#memory.count },
      disk: { bytes: this.#disk.used, shards: this.#disk.count, corrupt: this.#disk.corrupt },
      ...stats,
      eventQueue: { waiting: this.#learner.waiting, dropped: this.#learner.dropped, learned: eventsLearned },
      prefetchQueue: {
        waiting: this.#prefetcher.waiting,
        underWay: this.#prefetcher.active,
        issued: prefetchesIssued,
        used: prefetchesUsed,
        evictedUnused: this.#memory.evictedUnused,
        expired: this.#prefetcher.expired,
        refused: this.#prefetcher.refused,
      },
    };
  }

  /** Prefetches waiting, for the admin API. */
  prefetches(): readonly Prefetch[] {
    return this.#prefetcher.list();
  }

  /** Drops every copy and everything learned, and hears the settings anew. Stored shards are not touched. */
  async forget(): Promise<void> {
    this.#fills.fenceAll();
    this.#prefetcher.clear();
    this.#learner.forget();
    this.#memory.clear();
    this.#disk.clear();
    this.#writeBehind.clear();
    Object.assign(this.#stats, newStats());
    this.#sliceVersion = 0;
    await this.#heart.beatNow();
  }

  /** Housekeeping after activity: what earned it goes to SQLite, what was learned to the coordinator. */
  override async alarm(): Promise<void> {
    this.#housekeepingSet = false;
    await this.#writeBehind.flush();
    await this.#learner.report().catch(() => this.#stats.faults++);
  }

  /** Work that waits until responses are on their way, and happens only while there is activity. */
  #afterActivity(): void {
    this.#heart.beatAfter(HEARTBEAT_EVERY);
    if (this.#housekeepingSet) return;
    this.#housekeepingSet = true;
    // Unconfirmed: no response has to wait for it, and losing it loses only warmth.
    this.ctx.storage
      .setAlarm(Date.now() + HOUSEKEEPING_AFTER, { allowUnconfirmed: true })
      .catch(() => this.#stats.faults++);
  }

  async #heartbeat(sinceLast: number | undefined): Promise<HeartbeatAnswer> {
    return heartbeatAnswerSchema.parse(
      await this.env.COORDINATOR.getByName("main").heartbeat({
        partition: this.#address.name,
        region: this.#address.region,
        incarnation: this.#learner.incarnation,
        settingsVersion: this.#settings.version,
        sliceVersion: this.#sliceVersion,
        ...(sinceLast !== undefined && { sinceLast }),
      }),
    );
  }

  #apply(answer: HeartbeatAnswer): void {
    if (answer.slice !== undefined) {
      this.#learner.applySlice(answer.slice.entries);
      this.#sliceVersion = answer.slice.version;
    }
    this.#writeBehind.keep(answer.warm);
    if (answer.settings === undefined || answer.settings.version === this.#settings.version) return;
    this.#settings = answer.settings;
    this.#memory.resize(Math.max(1, answer.settings.settings.memoryBytes));
    this.#disk.resize(answer.settings.settings.diskBytes);
    this.ctx.storage.sql.exec(
      "INSERT OR REPLACE INTO documents (name, body) VALUES ('settings', ?)",
      JSON.stringify(answer.settings),
    );
  }

  #loadSettings(): VersionedSettings {
    const [row] = this.ctx.storage.sql.exec("SELECT body FROM documents WHERE name = 'settings'").toArray();
    const fallback = { version: 0, settings: DEFAULT_SETTINGS };
    if (row === undefined) return fallback;
    try {
      return versionedSettingsSchema.catch(fallback).parse(JSON.parse(String(row.body)));
    } catch {
      return fallback; // A damaged row: the next heartbeat brings the settings again.
    }
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
