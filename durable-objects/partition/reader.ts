import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import { type Change, outdates } from "../../src/core/coherence/change.ts";
import type { Lease } from "../../src/core/coherence/lease.ts";
import { epochMillis } from "../../src/core/units.ts";
import { readDirectly, shardNotFound } from "../../src/http/direct-read.ts";
import { freshness } from "../../src/http/freshness.ts";
import { buildResponse, decideAnswer } from "../../src/http/shard-response.ts";
import { type OpenShard, type ShardStore, StorageUnavailableError } from "../../src/storage/shard-store.ts";
import type { DiskCopy } from "./disk-tier.ts";
import type { Copy, MemoryTier } from "./memory-tier.ts";
import type { Fetched, SingleFlight } from "./single-flight.ts";
import type { Stats } from "./stats.ts";

/** Shards known to be too large for the cache: their ranges are read as ranges at once. */
const MAX_LARGE_KNOWN = 4_096;
/** Fetches under way at most. Beyond it a partition serves what it has, and the edge reads the rest from R2. */
export const MAX_IN_FLIGHT = 256;

/** `Cache-Status` values (RFC 9211). */
const STATUS = {
  hit: "Foreshard; hit",
  prefetched: "Foreshard; hit; detail=prefetched",
  disk: "Foreshard; hit; detail=disk",
  staleIfError: "Foreshard; hit; detail=stale-if-error",
  stored: "Foreshard; fwd=uri-miss; stored",
  miss: "Foreshard; fwd=uri-miss",
  collapsed: "Foreshard; fwd=uri-miss; collapsed",
  stale: "Foreshard; fwd=stale",
  tooLarge: "Foreshard; fwd=bypass; detail=too-large",
  noCache: "Foreshard; fwd=bypass; detail=no-cache",
} as const;

/** Too much is being fetched already: the edge should read this shard from R2 itself. */
export class OverloadedError extends Error {
  override readonly name = "OverloadedError";
}

/** The outcome of a read, for learning. `learned` is null when it teaches nothing. */
export interface ReadResult {
  readonly response: Response;
  readonly learned: {
    readonly size: number;
    /** It waited for R2. */
    readonly missed: boolean;
    /** It was the first read of a copy that was fetched ahead. */
    readonly prefetched: boolean;
    /** Time the partition took for it, ms. */
    readonly millis: number;
  } | null;
}

/** What the reader needs of the SQLite tier. */
export interface SecondTier {
  has(id: string): boolean;
  read(id: string): Promise<DiskCopy | null>;
  remove(id: string): boolean;
}

/** What a reader works with. Times in ms. */
export interface ReaderDeps {
  readonly store: ShardStore;
  readonly memory: MemoryTier;
  readonly disk: SecondTier;
  readonly fills: SingleFlight;
  readonly lease: Lease;
  /** Resolves when a lease being asked for has been granted, or shortly after when it is not. */
  readonly leaseSettled: () => Promise<void>;
  /** Called right before a read waits for R2: time in which there is learning to be done. */
  readonly onWait: (read: ReadRequest) => void;
  readonly stats: Stats;
  readonly freshnessMillis: () => number;
  readonly staleIfErrorMillis: () => number;
  readonly now: () => number;
}

/** A partition's read path: memory, then SQLite, then one shared fetch from R2. */
export class Reader {
  readonly #parts: ReaderDeps;
  readonly #large = new Set<string>();
  /** Grows with every invalidation, so that work across an await can tell whether one happened. */
  #invalidations = 0;

  constructor(parts: ReaderDeps) {
    this.#parts = parts;
  }

  /**
   * @throws ProblemError as the contract says; StorageUnavailableError when R2 does not answer; OverloadedError when
   * too much is being fetched.
   */
  async read(read: ReadRequest): Promise<ReadResult> {
    const { memory, stats, now } = this.#parts;
    const start = now();
    stats.reads++;
    if (read.bypass) return this.#readThrough(read, start);
    const inMemory = read.method === "HEAD" ? memory.peek(read.id) : memory.access(read.id);
    if (inMemory !== undefined && this.#mayServe(inMemory)) return this.#hit(read, inMemory, start);
    const held = inMemory ?? (await this.#fromDisk(read.id));
    if (held !== null && held !== inMemory && this.#mayServe(held)) {
      stats.diskHits++;
      return this.#answer(read, held, STATUS.disk, start, false);
    }
    if (held === null && read.method === "HEAD") return this.#head(read, start);
    if (held === null && this.#large.has(read.id)) {
      this.#parts.onWait(read);
      return this.#direct(read, STATUS.tooLarge, start);
    }
    return this.#fetch(read, held, start);
  }

  /** A shard changed: copies that are older are dropped, also those that fetches under way would bring. */
  invalidate(change: Change): void {
    const { fills, memory, disk } = this.#parts;
    this.#invalidations++;
    fills.fence(change.shard);
    const copy = memory.peek(change.shard);
    if (copy !== undefined && outdates(change, copy.meta)) memory.remove(change.shard);
    disk.remove(change.shard);
    this.#large.delete(change.shard);
  }

  /** Fresh, and the lease says that no strong write was missed; immutable shards need no lease. */
  #mayServe(copy: Copy): boolean {
    const { lease, now, freshnessMillis } = this.#parts;
    const { lifetime } = freshness(copy.meta.cacheControl, freshnessMillis());
    if (lifetime === Number.POSITIVE_INFINITY) return true;
    return now() - copy.validatedAt < lifetime && lease.covers(copy.validatedAt, now());
  }

  #hit(read: ReadRequest, copy: Copy, start: number): ReadResult {
    const status = copy.prefetched ? STATUS.prefetched : STATUS.hit;
    if (copy.prefetched && read.method === "GET") {
      copy.prefetched = false;
      this.#parts.stats.prefetchedHits++;
      this.#parts.stats.prefetchesUsed++;
    }
    return this.#answer(read, copy, status, start, false);
  }

  #answer(read: ReadRequest, copy: Copy, status: string, start: number, missed: boolean): ReadResult {
    const { stats, now } = this.#parts;
    if (missed) stats.misses++;
    else stats.hits++;
    if (read.method === "GET") copy.uses++;
    const millis = now() - start;
    const times = { start, now: now(), validatedAt: copy.validatedAt };
    const answer = decideAnswer(read, copy.meta, status, times);
    const body =
      answer.status === 206
        ? new Uint8Array(copy.body, answer.part.offset, answer.part.length)
        : read.method === "HEAD"
          ? null
          : copy.body;
    return {
      response: buildResponse(answer, copy.meta, body, status, times),
      learned:
        read.method === "HEAD"
          ? null
          : { size: copy.meta.size, missed, prefetched: status === STATUS.prefetched, millis },
    };
  }

  /** A copy from SQLite, taken into memory; null when there is none. */
  async #fromDisk(id: string): Promise<Copy | null> {
    const { disk, memory, now } = this.#parts;
    if (!disk.has(id)) return null;
    const before = this.#invalidations;
    const stored = await disk.read(id);
    // While its digest was checked another reader may have loaded it, or it may have been invalidated.
    const loaded = memory.peek(id);
    if (loaded !== undefined) return loaded;
    if (stored === null || this.#invalidations !== before) return null;
    const copy: Copy = { ...stored, prefetched: false, uses: 0 };
    memory.put(id, copy, { kind: "demand" }, epochMillis(now()));
    return copy;
  }

  /** Fetches the shard, or asks whether `held` is current, sharing the one fetch with all who want the same. */
  async #fetch(read: ReadRequest, held: Copy | null, start: number): Promise<ReadResult> {
    const { stats, fills } = this.#parts;
    if (!fills.isInFlight(read.id) && fills.inFlight >= MAX_IN_FLIGHT)
      throw new OverloadedError("too many fetches");
    if (held !== null) stats.revalidations++;
    this.#parts.onWait(read);
    const before = this.#invalidations;
    try {
      const { fetched, joined } = await this.#fetchCurrent(read.id, held);
      if (joined) stats.collapsed++;
      return await this.#answerFetched(read, fetched, held, joined, start);
    } catch (error) {
      if (!(error instanceof StorageUnavailableError) || held === null) throw error;
      // While R2 was waited for the copy may have been dropped, and the lease renewed since.
      const isHeld = this.#invalidations === before || this.#parts.memory.peek(read.id) === held;
      if (!isHeld || !this.#mayServeStale(held)) throw error;
      return this.#answer(read, held, STATUS.staleIfError, start, true);
    }
  }

  /**
   * A fetch whose result may be given to a reader arriving now: one begun from now on, or one under way that is
   * still fresh and that no strong write can have overtaken. So at most two are waited for.
   */
  async #fetchCurrent(id: string, held: Copy | null): Promise<{ fetched: Fetched; joined: boolean }> {
    const { fills, leaseSettled } = this.#parts;
    const arrived = fills.begun;
    for (;;) {
      const fetch = fills.fetch(id, { kind: "demand" }, held);
      const fetched = await fetch.result;
      const mayShare = (): boolean => fetch.isCurrent() && this.#isFresh(fetched, fetch.askedAt);
      if (fetch.number > arrived || mayShare()) return { fetched, joined: fetch.joined };
      await leaseSettled();
      if (mayShare()) return { fetched, joined: fetch.joined };
    }
  }

  /** Whether what was asked for at `askedAt` may be served without asking again; a large shard's stream is not shared. */
  #isFresh(fetched: Fetched, askedAt: number): boolean {
    const { now, freshnessMillis } = this.#parts;
    if (fetched.kind === "large") return false;
    const cacheControl = fetched.kind === "copy" ? fetched.copy.meta.cacheControl : undefined;
    return now() - askedAt < freshness(cacheControl, freshnessMillis()).lifetime;
  }

  async #answerFetched(
    read: ReadRequest,
    fetched: Fetched,
    held: Copy | null,
    joined: boolean,
    start: number,
  ): Promise<ReadResult> {
    const { disk, memory, stats } = this.#parts;
    if (held !== null && !(fetched.kind === "copy" && fetched.copy === held)) {
      disk.remove(read.id);
      if (memory.peek(read.id) === held) memory.remove(read.id);
    }
    const fallback = held !== null ? STATUS.stale : joined ? STATUS.collapsed : null;
    switch (fetched.kind) {
      case "absent":
        stats.misses++;
        throw shardNotFound(read.id, STATUS.miss);
      case "large":
        this.#rememberLarge(read.id);
        return this.#direct(read, STATUS.tooLarge, start, fetched.takeOpen());
      case "copy":
        return this.#answer(
          read,
          fetched.copy,
          fallback ?? (fetched.stored ? STATUS.stored : STATUS.miss),
          start,
          true,
        );
    }
  }

  /** Only the freshness has run out: the lease says that no strong write was missed. */
  #mayServeStale(copy: Copy): boolean {
    const { lease, now, freshnessMillis, staleIfErrorMillis } = this.#parts;
    const { lifetime } = freshness(copy.meta.cacheControl, freshnessMillis());
    const age = now() - copy.validatedAt;
    return lease.covers(copy.validatedAt, now()) && age < lifetime + staleIfErrorMillis();
  }

  /** Streams from R2 without holding anything: large shards, and reads that ask for R2's own answer. */
  async #direct(
    read: ReadRequest,
    status: string,
    start: number,
    opened: OpenShard | null = null,
  ): Promise<ReadResult> {
    const { store, stats, now } = this.#parts;
    stats.bypassed++;
    const { response, meta } = await readDirectly(store, read, status, { start, now }, opened);
    return {
      response,
      learned:
        read.method === "HEAD"
          ? null
          : { size: meta.size, missed: true, prefetched: false, millis: now() - start },
    };
  }

  /** `Cache-Control: no-cache`: the storage's own answer, at the price of a conditional read when a copy is held. */
  async #readThrough(read: ReadRequest, start: number): Promise<ReadResult> {
    const { store, memory, now, onWait } = this.#parts;
    onWait(read);
    const held = memory.peek(read.id);
    if (held === undefined) return this.#direct(read, STATUS.noCache, start);
    const asked = now();
    const open = await store.getUnless(read.id, held.meta.etag);
    if (open === "unchanged") {
      if (memory.peek(read.id) === held) held.validatedAt = Math.max(held.validatedAt, asked);
      return this.#answer(read, held, STATUS.noCache, start, true);
    }
    if (memory.peek(read.id) === held) memory.remove(read.id);
    this.#parts.disk.remove(read.id);
    if (open === null) throw shardNotFound(read.id, STATUS.noCache);
    return this.#direct(read, STATUS.noCache, start, open);
  }

  async #head(read: ReadRequest, start: number): Promise<ReadResult> {
    this.#parts.stats.misses++;
    const { store, now } = this.#parts;
    const { response } = await readDirectly(store, read, STATUS.miss, { start, now });
    return { response, learned: null };
  }

  #rememberLarge(id: string): void {
    if (this.#large.size >= MAX_LARGE_KNOWN) this.#large.clear();
    this.#large.add(id);
  }
}
