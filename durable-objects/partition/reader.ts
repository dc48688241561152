import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import { ProblemError } from "../../src/contract/problems.ts";
import { freshness } from "../../src/core/http/freshness.ts";
import { epochMillis } from "../../src/core/units.ts";
import type { OpenShard, ShardMeta, ShardStore } from "../../src/storage/shard-store.ts";
import type { DiskTier } from "./disk-tier.ts";
import type { Fetched, Fills } from "./fills.ts";
import type { Copy, MemoryTier } from "./memory-tier.ts";
import { buildResponse, decideAnswer } from "./respond.ts";
import type { Stats } from "./stats.ts";

/** Shards known to be too large for the cache: their ranges are read as ranges at once. */
const MAX_LARGE_KNOWN = 4_096;

/** `Cache-Status` values (RFC 9211). */
const STATUS = {
  hit: "Foreshard; hit",
  prefetched: "Foreshard; hit; detail=prefetched",
  disk: "Foreshard; hit; detail=disk",
  stored: "Foreshard; fwd=uri-miss; stored",
  miss: "Foreshard; fwd=uri-miss",
  collapsed: "Foreshard; fwd=uri-miss; collapsed",
  stale: "Foreshard; fwd=stale",
  tooLarge: "Foreshard; fwd=bypass; detail=too-large",
  noCache: "Foreshard; fwd=bypass; detail=no-cache",
} as const;

/** The outcome of a read, for learning: whether it waited for R2. Null when it teaches nothing. */
export interface ReadOutcome {
  readonly response: Response;
  readonly learned: { readonly size: number; readonly missed: boolean } | null;
}

/** A partition's read path: memory, then SQLite, then one shared fetch from R2. */
export class Reader {
  readonly #store: ShardStore;
  readonly #memory: MemoryTier;
  readonly #disk: DiskTier;
  readonly #fills: Fills;
  readonly #stats: Stats;
  readonly #freshnessMillis: () => number;
  readonly #now: () => number;
  readonly #large = new Set<string>();

  constructor(parts: {
    store: ShardStore;
    memory: MemoryTier;
    disk: DiskTier;
    fills: Fills;
    stats: Stats;
    freshnessMillis: () => number;
    now: () => number;
  }) {
    this.#store = parts.store;
    this.#memory = parts.memory;
    this.#disk = parts.disk;
    this.#fills = parts.fills;
    this.#stats = parts.stats;
    this.#freshnessMillis = parts.freshnessMillis;
    this.#now = parts.now;
  }

  /** @throws ProblemError as the contract says; StorageUnavailableError when R2 does not answer. */
  async read(read: ReadRequest): Promise<ReadOutcome> {
    const start = this.#now();
    this.#stats.reads++;
    if (read.bypass) return this.#readThrough(read, start);
    const inMemory = read.method === "HEAD" ? this.#memory.peek(read.id) : this.#memory.access(read.id);
    if (inMemory !== undefined && this.#isFresh(inMemory)) return this.#hit(read, inMemory, start);
    const held = inMemory ?? (await this.#fromDisk(read.id));
    if (held !== null && held !== inMemory && this.#isFresh(held)) {
      this.#stats.diskHits++;
      return this.#answer(read, held, STATUS.disk, start, false);
    }
    if (held !== null) return this.#revalidate(read, held, STATUS.stale, start);
    if (read.method === "HEAD") return this.#head(read, start);
    return this.#large.has(read.id) ? this.#passThrough(read, null, start) : this.#fetch(read, start);
  }

  /** The shard changed or went: what is held of it is dropped, also from fetches under way. */
  invalidate(id: string): void {
    this.#fills.fence(id);
    this.#memory.remove(id);
    this.#disk.remove(id);
    this.#large.delete(id);
  }

  #isFresh(copy: Copy): boolean {
    return (
      this.#now() - copy.validatedAt < freshness(copy.meta.cacheControl, this.#freshnessMillis()).lifetime
    );
  }

  #hit(read: ReadRequest, copy: Copy, start: number): ReadOutcome {
    const status = copy.prefetched ? STATUS.prefetched : STATUS.hit;
    if (copy.prefetched && read.method === "GET") {
      copy.prefetched = false;
      this.#stats.prefetchedHits++;
      this.#stats.prefetchesUsed++;
    }
    return this.#answer(read, copy, status, start, false);
  }

  #answer(read: ReadRequest, copy: Copy, status: string, start: number, missed: boolean): ReadOutcome {
    if (missed) this.#stats.misses++;
    else this.#stats.hits++;
    if (read.method === "GET") copy.uses++;
    const answer = decideAnswer(read, copy.meta, status);
    const body =
      answer.status === 206
        ? new Uint8Array(copy.body, answer.part.offset, answer.part.length)
        : read.method === "HEAD"
          ? null
          : copy.body;
    return {
      response: buildResponse(answer, copy.meta, body, status, this.#now() - start),
      learned: read.method === "HEAD" ? null : { size: copy.meta.size, missed },
    };
  }

  /** A copy from SQLite, taken into memory; null when there is none. */
  async #fromDisk(id: string): Promise<Copy | null> {
    if (!this.#disk.has(id)) return null;
    const stored = await this.#disk.read(id);
    // While its digest was checked the shard may have been invalidated, or another reader may have loaded it.
    if (stored === null || !this.#disk.has(id)) return this.#memory.peek(id) ?? null;
    const loaded = this.#memory.peek(id);
    if (loaded !== undefined) return loaded;
    const copy: Copy = { ...stored, prefetched: false, uses: 0 };
    this.#memory.put(id, copy, { kind: "demand" }, epochMillis(this.#now()));
    return copy;
  }

  async #fetch(read: ReadRequest, start: number): Promise<ReadOutcome> {
    const { result, joined } = this.#fills.fetch(read.id, { kind: "demand" });
    if (joined) this.#stats.collapsed++;
    const fetched = await result;
    switch (fetched.kind) {
      case "absent":
        this.#stats.misses++;
        throw notFound(read.id);
      case "large":
        this.#rememberLarge(read.id);
        return this.#passThrough(read, fetched, start);
      case "copy":
        return this.#answer(
          read,
          fetched.copy,
          joined ? STATUS.collapsed : fetched.stored ? STATUS.stored : STATUS.miss,
          start,
          true,
        );
    }
  }

  /** Streams a large shard, or its range, without holding it. */
  async #passThrough(
    read: ReadRequest,
    fetched: Extract<Fetched, { kind: "large" }> | null,
    start: number,
  ): Promise<ReadOutcome> {
    this.#stats.bypassed++;
    const open = fetched?.takeOpen() ?? null;
    const meta = open?.meta ?? (await this.#headOrThrow(read.id));
    try {
      const answer = decideAnswer(read, meta, STATUS.tooLarge);
      if (answer.status === 200 && open !== null)
        return this.#streamed(
          buildResponse(answer, meta, open.body, STATUS.tooLarge, this.#now() - start),
          meta,
        );
      open?.body.cancel().catch(() => undefined);
      if (answer.status === 304)
        return this.#streamed(buildResponse(answer, meta, null, STATUS.tooLarge, this.#now() - start), meta);
      this.#stats.storageReads++;
      const wanted = await this.#store.get(read.id, answer.status === 206 ? answer.part : undefined);
      if (wanted === null) throw notFound(read.id);
      // The shard may have been replaced since its head was read: answer again from what was opened.
      if (wanted.meta.etag !== meta.etag) {
        wanted.body.cancel().catch(() => undefined);
        return this.#passThrough(read, null, start);
      }
      return this.#streamed(
        buildResponse(answer, meta, wanted.body, STATUS.tooLarge, this.#now() - start),
        meta,
      );
    } catch (error) {
      open?.body.cancel().catch(() => undefined);
      throw error;
    }
  }

  #streamed(response: Response, meta: ShardMeta): ReadOutcome {
    return { response, learned: { size: meta.size, missed: true } };
  }

  /** Asks R2 whether a held copy is still current; sends its bytes when it is, and the newer ones otherwise. */
  async #revalidate(read: ReadRequest, held: Copy, status: string, start: number): Promise<ReadOutcome> {
    this.#stats.revalidations++;
    this.#stats.storageReads++;
    const asked = this.#now();
    const current = await this.#store.getUnless(read.id, held.meta.etag);
    if (current === "unchanged") {
      held.validatedAt = Math.max(held.validatedAt, asked);
      return this.#answer(read, held, status, start, true);
    }
    this.invalidate(read.id);
    if (current === null) {
      this.#stats.misses++;
      throw notFound(read.id);
    }
    return this.#replaceBy(current, read, status, start);
  }

  async #replaceBy(open: OpenShard, read: ReadRequest, status: string, start: number): Promise<ReadOutcome> {
    const outcome = decideAnswer(read, open.meta, status);
    this.#stats.misses++;
    // Rare: the next read fetches and keeps it through the one place that does, so here it only passes through.
    if (outcome.status !== 206)
      return this.#streamed(
        buildResponse(
          outcome,
          open.meta,
          read.method === "HEAD" ? null : open.body,
          status,
          this.#now() - start,
        ),
        open.meta,
      );
    open.body.cancel().catch(() => undefined);
    return this.#fetch(read, start);
  }

  /** `Cache-Control: no-cache`: the storage's own answer, at the price of a conditional read when a copy is held. */
  async #readThrough(read: ReadRequest, start: number): Promise<ReadOutcome> {
    const held = this.#memory.peek(read.id);
    if (held !== undefined) return this.#revalidate(read, held, STATUS.noCache, start);
    if (read.method === "HEAD") return this.#head(read, start);
    this.#stats.storageReads++;
    const open = await this.#store.get(read.id);
    if (open === null) throw notFound(read.id);
    return this.#bypassed(open, read, start);
  }

  async #bypassed(open: OpenShard, read: ReadRequest, start: number): Promise<ReadOutcome> {
    this.#stats.bypassed++;
    const answer = decideAnswer(read, open.meta, STATUS.noCache);
    if (answer.status !== 206)
      return this.#streamed(
        buildResponse(answer, open.meta, open.body, STATUS.noCache, this.#now() - start),
        open.meta,
      );
    open.body.cancel().catch(() => undefined);
    return this.#passThrough(read, null, start);
  }

  async #head(read: ReadRequest, start: number): Promise<ReadOutcome> {
    const meta = await this.#headOrThrow(read.id);
    this.#stats.misses++;
    const answer = decideAnswer(read, meta, STATUS.miss);
    return { response: buildResponse(answer, meta, null, STATUS.miss, this.#now() - start), learned: null };
  }

  async #headOrThrow(id: string): Promise<ShardMeta> {
    this.#stats.storageReads++;
    const meta = await this.#store.head(id);
    if (meta === null) throw notFound(id);
    return meta;
  }

  #rememberLarge(id: string): void {
    if (this.#large.size >= MAX_LARGE_KNOWN) this.#large.clear();
    this.#large.add(id);
  }
}

const notFound = (id: string): ProblemError =>
  new ProblemError("shard-not-found", `No shard is stored under "${id}". Store one with PUT /shards/{id}.`, {
    "Cache-Status": STATUS.miss,
  });
