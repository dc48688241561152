import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import { ProblemError } from "../../src/contract/problems.ts";
import type { Clock } from "../../src/core/clock.ts";
import { type Change, outdates } from "../../src/core/coherence/change.ts";
import type { Lease } from "../../src/core/coherence/lease.ts";
import { epochMillis, SECOND } from "../../src/core/units.ts";
import { type ReadClock, readDirectly, shardNotFound } from "../../src/http/direct-read.ts";
import { freshness } from "../../src/http/freshness.ts";
import { buildResponse, decideAnswer } from "../../src/http/shard-response.ts";
import { type OpenShard, type ShardStore, StorageUnavailableError } from "../../src/storage/shard-store.ts";
import { STATUS } from "./cache-status.ts";
import type { DiskLoader } from "./disk-loader.ts";
import type { DiskTier } from "./disk-tier.ts";
import type { KnownShard, KnownShards } from "./known-shards.ts";
import { type Asked, type Copy, confirm, copyOf, type MemoryTier } from "./memory-tier.ts";
import type { Fetched, SingleFlight } from "./single-flight.ts";
import type { Stats } from "./stats.ts";

/** How long a shard is taken not to exist without asking again: copies elsewhere are few, and writers expect theirs. */
const MAX_ABSENCE = 10 * SECOND;
/** Fetches under way at most. Beyond it a partition serves what it has, and the edge reads the rest from R2. */
export const MAX_IN_FLIGHT = 256;

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

/** What a reader works with. Times in ms. */
export interface ReaderDeps {
  readonly store: ShardStore;
  readonly memory: MemoryTier;
  readonly disk: Pick<DiskTier, "metaOf" | "remove">;
  readonly loader: DiskLoader;
  readonly known: KnownShards;
  readonly fills: SingleFlight;
  readonly lease: Lease;
  /** Resolves when a lease being asked for has been granted, or shortly after when it is not. */
  readonly leaseSettled: () => Promise<void>;
  /** Called right before a read waits for R2: time in which there is learning to be done. */
  readonly onWait: (read: ReadRequest) => void;
  readonly stats: Stats;
  readonly freshnessMillis: () => number;
  readonly staleIfErrorMillis: () => number;
  readonly clock: Clock;
}

/** A partition's read path: memory, then SQLite, then one shared fetch from R2. */
export class Reader {
  readonly #deps: ReaderDeps;
  /** Grows with every invalidation, so that work across an await can tell whether one happened. */
  #invalidations = 0;

  constructor(deps: ReaderDeps) {
    this.#deps = deps;
  }

  /**
   * @throws ProblemError as the contract says; StorageUnavailableError when R2 does not answer; OverloadedError when
   * too much is being fetched.
   */
  async read(read: ReadRequest): Promise<ReadResult> {
    const { memory, loader, stats, clock } = this.#deps;
    const start = clock.now();
    stats.reads++;
    if (read.bypass) return this.#readThrough(read, start);
    const inMemory = memory.peek(read.id);
    if (inMemory !== undefined && this.mayServe(inMemory)) return this.#hit(read, inMemory, start);
    const held = inMemory ?? (loader.has(read.id) ? await loader.load(read.id, { kind: "demand" }) : null);
    if (held !== null && held !== inMemory && this.mayServe(held)) {
      stats.diskHits++;
      return this.#answer(read, held, STATUS.disk, start, false);
    }
    if (held !== null) return this.#fetch(read, held, start);
    const known = this.#deps.known.get(read.id);
    if (known?.kind === "absent" && this.#isStillAbsent(known)) return this.#absent(read, STATUS.hit);
    if (read.method === "HEAD") return this.#head(read, start);
    if (known?.kind === "large") {
      this.#deps.onWait(read);
      return this.#direct(read, STATUS.tooLarge, start);
    }
    return this.#fetch(read, null, start);
  }

  /** A shard changed: copies that are older are dropped, also those that fetches under way would bring. */
  invalidate(change: Change): void {
    const { fills, loader, memory, disk, known } = this.#deps;
    this.#invalidations++;
    fills.fence(change.shard);
    loader.fence();
    const copy = memory.peek(change.shard);
    if (copy !== undefined && outdates(change, copy.meta)) memory.remove(change.shard);
    const stored = disk.metaOf(change.shard);
    if (stored === null || outdates(change, stored)) disk.remove(change.shard);
    known.delete(change.shard);
  }

  /** Fresh, and the lease says that no change was missed: `immutable` shards are overwritten and deleted, too. */
  mayServe(copy: Copy): boolean {
    const { lease, clock, freshnessMillis } = this.#deps;
    const now = clock.now();
    if (!lease.covers(copy.asOf, now)) return false;
    return now - copy.validatedAt < freshness(copy.meta.cacheControl, freshnessMillis()).lifetime;
  }

  /** Absence is served as a copy is, but not for long. */
  #isStillAbsent({ askedAt, asOf }: KnownShard): boolean {
    const { lease, clock, freshnessMillis } = this.#deps;
    const now = clock.now();
    return lease.covers(asOf, now) && now - askedAt < Math.min(MAX_ABSENCE, freshnessMillis());
  }

  /** @throws ProblemError always: there is no such shard. */
  #absent(read: ReadRequest, status: string): never {
    const { stats } = this.#deps;
    if (status === STATUS.hit) stats.hits++;
    else stats.misses++;
    throw shardNotFound(read.id, status);
  }

  #hit(read: ReadRequest, copy: Copy, start: number): ReadResult {
    const status = copy.prefetched ? STATUS.prefetched : STATUS.hit;
    if (copy.prefetched && read.method === "GET") {
      copy.prefetched = false;
      this.#deps.stats.prefetchedHits++;
      this.#deps.stats.prefetchesUsed++;
    }
    return this.#answer(read, copy, status, start, false);
  }

  #answer(read: ReadRequest, copy: Copy, status: string, start: number, missed: boolean): ReadResult {
    const { stats, clock } = this.#deps;
    if (missed) stats.misses++;
    else stats.hits++;
    if (read.method === "GET") copy.uses++;
    const now = clock.now();
    const millis = now - start;
    const times = { start, now, validatedAt: copy.validatedAt };
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

  /** Fetches the shard, or asks whether `held` is current, sharing the one fetch with all who want the same. */
  async #fetch(read: ReadRequest, held: Copy | null, start: number): Promise<ReadResult> {
    const { stats, fills } = this.#deps;
    if (!fills.isInFlight(read.id) && fills.inFlight >= MAX_IN_FLIGHT)
      throw new OverloadedError("too many fetches");
    if (held !== null) stats.revalidations++;
    this.#deps.onWait(read);
    const before = this.#invalidations;
    try {
      const { fetched, joined } = await this.#fetchCurrent(read.id, held);
      if (joined) stats.collapsed++;
      return await this.#answerFetched(read, fetched, held, joined, start);
    } catch (error) {
      if (!(error instanceof StorageUnavailableError) || held === null) throw error;
      // While R2 was waited for the copy may have been dropped, and the lease renewed since.
      const isHeld = this.#invalidations === before || this.#deps.memory.peek(read.id) === held;
      if (!isHeld || !this.#mayServeStale(held)) throw error;
      return this.#answer(read, held, STATUS.staleIfError, start, true);
    }
  }

  /**
   * A fetch whose result may be given to a reader arriving now: one begun from now on, or one under way that is
   * still fresh and that no change can have overtaken. So at most two are waited for.
   */
  async #fetchCurrent(id: string, held: Copy | null): Promise<{ fetched: Fetched; joined: boolean }> {
    const { fills, leaseSettled } = this.#deps;
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
    const { clock, freshnessMillis } = this.#deps;
    if (fetched.kind === "large") return false;
    const cacheControl = fetched.kind === "copy" ? fetched.copy.meta.cacheControl : undefined;
    return clock.now() - askedAt < freshness(cacheControl, freshnessMillis()).lifetime;
  }

  async #answerFetched(
    read: ReadRequest,
    fetched: Fetched,
    held: Copy | null,
    joined: boolean,
    start: number,
  ): Promise<ReadResult> {
    const { disk, memory } = this.#deps;
    if (held !== null && !(fetched.kind === "copy" && fetched.copy === held)) {
      disk.remove(read.id);
      if (memory.peek(read.id) === held) memory.remove(read.id);
    }
    const fallback = held !== null ? STATUS.stale : joined ? STATUS.collapsed : null;
    switch (fetched.kind) {
      case "absent":
        return this.#absent(read, STATUS.miss);
      case "large":
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

  /** Only the freshness has run out, and the shard does not forbid it: the lease says that no change was missed. */
  #mayServeStale(copy: Copy): boolean {
    const { lease, clock, freshnessMillis, staleIfErrorMillis } = this.#deps;
    const { lifetime, mayServeStale } = freshness(copy.meta.cacheControl, freshnessMillis());
    const age = clock.now() - copy.validatedAt;
    return mayServeStale && lease.covers(copy.asOf, clock.now()) && age < lifetime + staleIfErrorMillis();
  }

  /** Streams from R2 without holding anything: large shards, and reads that ask for R2's own answer. */
  async #direct(
    read: ReadRequest,
    status: string,
    start: number,
    opened: OpenShard | null = null,
  ): Promise<ReadResult> {
    const { store, stats, clock } = this.#deps;
    stats.bypassed++;
    const { response, meta } = await readDirectly(store, read, status, this.#since(start), opened);
    return {
      response,
      learned:
        read.method === "HEAD"
          ? null
          : { size: meta.size, missed: true, prefetched: false, millis: clock.now() - start },
    };
  }

  /** `Cache-Control: no-cache`: the storage's own answer, at the price of a conditional read when a copy is held. */
  async #readThrough(read: ReadRequest, start: number): Promise<ReadResult> {
    const { store, memory, clock, onWait } = this.#deps;
    onWait(read);
    const held = memory.peek(read.id);
    if (held === undefined) return this.#direct(read, STATUS.noCache, start);
    const asked = this.#asked();
    const before = this.#invalidations;
    const open = await store.getUnless(read.id, held.meta.etag);
    const isHeld = memory.peek(read.id) === held;
    if (open?.body === null && open.meta.version === held.meta.version) {
      if (isHeld) confirm(held, asked);
      return this.#answer(read, held, STATUS.noCache, start, true);
    }
    if (isHeld) memory.remove(read.id);
    this.#deps.disk.remove(read.id);
    if (open === null) throw shardNotFound(read.id, STATUS.noCache);
    if (open.body !== null) return this.#direct(read, STATUS.noCache, start, open);
    // The same bytes with other headers.
    const copy = copyOf(open.meta, held.body, asked);
    if (this.#invalidations === before && freshness(open.meta.cacheControl, 0).storable)
      memory.put(read.id, copy, { kind: "demand" }, epochMillis(clock.now()));
    return this.#answer(read, copy, STATUS.noCache, start, true);
  }

  async #head(read: ReadRequest, start: number): Promise<ReadResult> {
    const { store, stats, known } = this.#deps;
    stats.misses++;
    const asked = this.#asked();
    const before = this.#invalidations;
    try {
      const { response } = await readDirectly(store, read, STATUS.miss, this.#since(start));
      return { response, learned: null };
    } catch (error) {
      const isAbsent = error instanceof ProblemError && error.code === "shard-not-found";
      if (isAbsent && this.#invalidations === before) known.set(read.id, { kind: "absent", ...asked });
      throw error;
    }
  }

  #asked(): Asked {
    return { askedAt: this.#deps.clock.now(), asOf: this.#deps.lease.asOf };
  }

  #since(start: number): ReadClock {
    return { start, now: () => this.#deps.clock.now() };
  }
}
