import { freshness } from "../../src/core/http/freshness.ts";
import { epochMillis } from "../../src/core/units.ts";
import type { OpenShard, ShardStore } from "../../src/storage/shard-store.ts";
import type { Copy, MemoryTier, Origin } from "./memory-tier.ts";
import type { Stats } from "./stats.ts";

/** What a fetch of a shard came to. */
export type Fetched =
  | { readonly kind: "copy"; readonly copy: Copy; readonly stored: boolean }
  /** Too large to be cached. The first to take `open` gets the stream already opened. */
  | { readonly kind: "large"; readonly size: number; takeOpen(): OpenShard | null }
  | { readonly kind: "absent" };

interface Flight {
  readonly result: Promise<Fetched>;
  /** Set when the shard changes meanwhile: what arrives may be old and is not kept. */
  outdated: boolean;
  origin: Origin;
}

/**
 * One fetch a shard at a time, shared by all readers and prefetches of it. A prefetch that a reader joins becomes a
 * demand fetch: upgraded, not repeated.
 */
export class Fills {
  readonly #store: ShardStore;
  readonly #memory: MemoryTier;
  readonly #stats: Stats;
  readonly #cacheableBytes: () => number;
  readonly #now: () => number;
  readonly #flights = new Map<string, Flight>();

  constructor(parts: {
    store: ShardStore;
    memory: MemoryTier;
    stats: Stats;
    cacheableBytes: () => number;
    now: () => number;
  }) {
    this.#store = parts.store;
    this.#memory = parts.memory;
    this.#stats = parts.stats;
    this.#cacheableBytes = parts.cacheableBytes;
    this.#now = parts.now;
  }

  get underWay(): number {
    return this.#flights.size;
  }

  isUnderWay(id: string): boolean {
    return this.#flights.has(id);
  }

  /** Fetches `id`, or joins the fetch under way. */
  fetch(id: string, origin: Origin): { readonly result: Promise<Fetched>; readonly joined: boolean } {
    const underWay = this.#flights.get(id);
    if (underWay !== undefined) {
      if (origin.kind === "demand") underWay.origin = origin;
      return { result: underWay.result, joined: true };
    }
    const flight: Flight = {
      outdated: false,
      origin,
      result: Promise.resolve().then(() => this.#run(id, flight)),
    };
    this.#flights.set(id, flight);
    return { result: flight.result, joined: false };
  }

  /** The shard changed: a fetch under way may bring older bytes, which must not be kept, nor joined any more. */
  fence(id: string): void {
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    flight.outdated = true;
    this.#flights.delete(id);
  }

  /** Fences everything under way. */
  fenceAll(): void {
    for (const id of [...this.#flights.keys()]) this.fence(id);
  }

  async #run(id: string, flight: Flight): Promise<Fetched> {
    try {
      this.#stats.storageReads++;
      // Dated from the question: the version was current at some moment after it.
      const validatedAt = this.#now();
      const open = await this.#store.get(id);
      if (open === null) return { kind: "absent" };
      if (open.meta.size > this.#cacheableBytes()) return large(open, flight);
      const body = await new Response(open.body).arrayBuffer();
      const copy: Copy = { meta: open.meta, body, validatedAt, prefetched: false, uses: 0 };
      return { kind: "copy", copy, stored: this.#keep(id, copy, flight) };
    } finally {
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    }
  }

  #keep(id: string, copy: Copy, flight: Flight): boolean {
    if (flight.outdated || !freshness(copy.meta.cacheControl, 0).storable) return false;
    copy.prefetched = flight.origin.kind === "prefetch";
    return this.#memory.put(id, copy, flight.origin, epochMillis(this.#now()));
  }
}

function large(open: OpenShard, flight: Flight): Fetched {
  let available: OpenShard | null = open;
  const takeOpen = (): OpenShard | null => {
    const taken = available;
    available = null;
    return taken;
  };
  // Nobody reads what a prefetch opened; leaving the stream would hold one of the few connections.
  if (flight.origin.kind === "prefetch")
    takeOpen()
      ?.body.cancel()
      .catch(() => undefined);
  return { kind: "large", size: open.meta.size, takeOpen };
}
