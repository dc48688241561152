import { type Clock, withTimeout } from "../../src/core/clock.ts";
import type { Lease } from "../../src/core/coherence/lease.ts";
import { epochMillis } from "../../src/core/units.ts";
import { discard } from "../../src/http/direct-read.ts";
import { freshness } from "../../src/http/freshness.ts";
import {
  type OpenShard,
  type ShardMeta,
  type ShardStore,
  StorageUnavailableError,
} from "../../src/storage/shard-store.ts";
import type { KnownShards } from "./known-shards.ts";
import { type Copy, confirm, copyOf, type MemoryTier, type Origin } from "./memory-tier.ts";

/** What a fetch of a shard came to. */
export type Fetched =
  | {
      readonly kind: "copy";
      readonly copy: Copy;
      /** Whether it is held now, for the next reader. */
      readonly stored: boolean;
    }
  /** Too large to be cached. The first to take `open` gets the stream already opened. */
  | { readonly kind: "large"; takeOpen(): OpenShard | null }
  | { readonly kind: "absent" };

/** A fetch under way, as one who wants its result sees it. */
export interface Fetch {
  readonly result: Promise<Fetched>;
  /** Somebody else began it. */
  readonly joined: boolean;
  /** Fetches are numbered as they begin; see {@link SingleFlight.begun}. */
  readonly number: number;
  /** When it began: the result was current at some moment after it, ms since the epoch. */
  readonly askedAt: number;
  /** Whether the result is no older than any change that was announced by now. */
  isCurrent(): boolean;
}

/** A cacheable body that is not here after this many ms will not come: all who wait for it are let go. */
const BODY_TIMEOUT = 20_000;

interface InFlightFetch {
  readonly number: number;
  readonly askedAt: number;
  readonly asOf: number;
  result: Promise<Fetched>;
  /** Set when the shard changes meanwhile: what arrives may be old and is not kept. */
  outdated: boolean;
  /** How many fences there had been when it ended; undefined while it is under way. */
  fencesAtEnd: number | undefined;
  origin: Origin;
}

/**
 * One fetch a shard at a time, shared by all readers and prefetches of it. A prefetch that a reader joins becomes a
 * demand fetch: upgraded, not repeated. A held copy that has to be checked is checked by the same one fetch.
 */
export class SingleFlight {
  readonly #store: ShardStore;
  readonly #memory: MemoryTier;
  readonly #lease: Lease;
  readonly #known: KnownShards;
  readonly #cacheableBytes: () => number;
  readonly #clock: Clock;
  readonly #flights = new Map<string, InFlightFetch>();
  #begun = 0;
  #fences = 0;

  constructor(parts: {
    store: ShardStore;
    memory: MemoryTier;
    lease: Lease;
    known: KnownShards;
    cacheableBytes: () => number;
    clock: Clock;
  }) {
    this.#store = parts.store;
    this.#memory = parts.memory;
    this.#lease = parts.lease;
    this.#known = parts.known;
    this.#cacheableBytes = parts.cacheableBytes;
    this.#clock = parts.clock;
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  /** The number of the fetch begun last: whoever arrives now may use any with a higher one. */
  get begun(): number {
    return this.#begun;
  }

  isInFlight(id: string): boolean {
    return this.#flights.has(id);
  }

  /** Fetches `id`, or joins the fetch under way. With `held`, only asks whether that copy is still current. */
  fetch(id: string, origin: Origin, held: Copy | null = null): Fetch {
    const underWay = this.#flights.get(id);
    if (underWay !== undefined) {
      if (origin.kind === "demand") underWay.origin = origin;
      return this.#fetchOf(underWay, true);
    }
    const flight: InFlightFetch = {
      number: ++this.#begun,
      // Dated from the question: what is answered was current at some moment after it.
      askedAt: this.#clock.now(),
      asOf: this.#lease.asOf,
      outdated: false,
      fencesAtEnd: undefined,
      origin,
      result: Promise.resolve({ kind: "absent" }),
    };
    this.#flights.set(id, flight);
    flight.result = this.#run(id, flight, held);
    return this.#fetchOf(flight, false);
  }

  /** The shard changed: a fetch under way may bring older bytes, which must not be kept, nor joined any more. */
  fence(id: string): void {
    this.#fences++;
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    flight.outdated = true;
    this.#flights.delete(id);
  }

  /** Fences everything under way. */
  fenceAll(): void {
    for (const id of [...this.#flights.keys()]) this.fence(id);
  }

  #fetchOf(flight: InFlightFetch, joined: boolean): Fetch {
    // One that has ended cannot be fenced any more; any fence since may have been meant for it.
    const isFenced = (): boolean =>
      flight.outdated || (flight.fencesAtEnd !== undefined && flight.fencesAtEnd !== this.#fences);
    const isCurrent = (): boolean => !isFenced() && this.#lease.covers(flight.asOf, this.#clock.now());
    return { result: flight.result, joined, number: flight.number, askedAt: flight.askedAt, isCurrent };
  }

  async #run(id: string, flight: InFlightFetch, held: Copy | null): Promise<Fetched> {
    try {
      const open = await (held === null ? this.#store.get(id) : this.#store.getUnless(id, held.meta.etag));
      if (open === null) return this.#vain(id, { kind: "absent" }, flight);
      if (open.body === null) return this.#unchanged(id, held, open.meta, flight);
      if (open.meta.size > this.#cacheableBytes()) return this.#vain(id, large(open, flight), flight);
      this.#known.delete(id);
      const body = await wholeBody(open, this.#clock);
      const copy = copyOf(open.meta, body, flight);
      return { kind: "copy", copy, stored: this.#keep(id, copy, flight) };
    } finally {
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
      flight.fencesAtEnd = this.#fences;
    }
  }

  #vain(id: string, fetched: Exclude<Fetched, { kind: "copy" }>, flight: InFlightFetch): Fetched {
    if (!flight.outdated)
      this.#known.set(id, { kind: fetched.kind, askedAt: flight.askedAt, asOf: flight.asOf });
    return fetched;
  }

  /** The bytes held are current; their headers may have been stored anew. */
  #unchanged(id: string, held: Copy | null, meta: ShardMeta, flight: InFlightFetch): Fetched {
    if (held === null) return { kind: "absent" };
    if (meta.version === held.meta.version) {
      if (!flight.outdated) confirm(held, flight);
      return { kind: "copy", copy: held, stored: true };
    }
    const copy = copyOf(meta, held.body, flight);
    return { kind: "copy", copy, stored: this.#keep(id, copy, flight) };
  }

  #keep(id: string, copy: Copy, flight: InFlightFetch): boolean {
    if (flight.outdated || !freshness(copy.meta.cacheControl, 0).storable) return false;
    copy.prefetched = flight.origin.kind === "prefetch";
    return this.#memory.put(id, copy, flight.origin, epochMillis(this.#clock.now()));
  }
}

/** @throws StorageUnavailableError when the body breaks off, or does not come to an end. */
async function wholeBody({ body, meta }: OpenShard, clock: Clock): Promise<ArrayBuffer> {
  const whole = await withTimeout(new Response(body).arrayBuffer(), BODY_TIMEOUT, clock).catch(
    (cause: unknown) => {
      throw new StorageUnavailableError("the storage broke off or stalled", { cause });
    },
  );
  if (whole.byteLength !== meta.size) throw new StorageUnavailableError("the storage sent a part only");
  return whole;
}

function large(open: OpenShard, flight: InFlightFetch): Extract<Fetched, { kind: "large" }> {
  let available: OpenShard | null = open;
  const takeOpen = (): OpenShard | null => {
    const taken = available;
    available = null;
    return taken;
  };
  // Nobody reads what a prefetch opened.
  if (flight.origin.kind === "prefetch") discard(takeOpen());
  return { kind: "large", takeOpen };
}
