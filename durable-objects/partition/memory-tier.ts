import type { Lease } from "../../src/core/coherence/lease.ts";
import { BoundedSet } from "../../src/core/collections/bounded-map.ts";
import type { Engine } from "../../src/core/engine/engine.ts";
import { bytes, type EpochMillis } from "../../src/core/units.ts";
import type { ShardMeta } from "../../src/storage/shard-store.ts";
import { register, remainingBudget } from "./isolate-memory.ts";

/** A whole copy of a shard; its bytes are never written to. */
export interface Copy {
  readonly meta: ShardMeta;
  readonly body: ArrayBuffer;
  /** When the storage last said that this is the current version, ms since the epoch. */
  validatedAt: number;
  /** The number of the change log at which it was current, as {@link Lease.asOf} gave it. */
  asOf: number;
  /** Fetched by prediction and not asked for since. */
  prefetched: boolean;
  /** Reads answered from this copy. */
  uses: number;
}

/** When the storage was asked: what it answers was current at some moment after it. */
export interface Asked {
  /** ms since the epoch. */
  readonly askedAt: number;
  /** The number of the change log. */
  readonly asOf: number;
}

/** A copy of what the storage answered, not used yet. */
export const copyOf = (meta: ShardMeta, body: ArrayBuffer, { askedAt, asOf }: Asked): Copy => ({
  meta,
  body,
  validatedAt: askedAt,
  asOf,
  prefetched: false,
  uses: 0,
});

/** The storage answered that the copy is current. */
export function confirm(copy: Copy, { askedAt, asOf }: Asked): void {
  copy.validatedAt = Math.max(copy.validatedAt, askedAt);
  copy.asOf = Math.max(copy.asOf, asOf);
}

/** How a copy came: asked for, or predicted until `expires`. */
export type Origin =
  | { readonly kind: "demand" }
  | { readonly kind: "prefetch"; readonly expires: EpochMillis };

/** The least a copy is charged: what its objects, headers and map entries take besides the bytes. */
const MIN_CHARGE = 512;

/** Shards remembered as pushed out: what comes back later than that would have gone anyway. */
const MAX_PUSHED_OUT = 1_024;

/** Copies in memory: the engine says which stay, within its capacity and what the isolate has left. */
export class MemoryTier {
  readonly #copies = new Map<string, Copy>();
  readonly #engine: Engine;
  #configured: number;
  #evictedUnused = 0;
  /** Shards that went to make room for prefetched ones, and were not asked for since. */
  readonly #pushedOut = new BoundedSet<string>(MAX_PUSHED_OUT);

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#configured = engine.capacity;
    register(this);
  }

  /** Bytes charged to the copies held. */
  get used(): number {
    return this.#engine.used;
  }
  get capacity(): number {
    return this.#engine.capacity;
  }
  get count(): number {
    return this.#copies.size;
  }
  /** Prefetched copies that went without having been asked for. */
  get evictedUnused(): number {
    return this.#evictedUnused;
  }

  /** The copy there is. What is asked for teaches the engine by its event, so a look-up is all. O(1). */
  peek(id: string): Copy | undefined {
    return this.#copies.get(id);
  }

  /** Takes a copy in, dropping others to make room; false when it cannot be held. */
  put(id: string, copy: Copy, origin: Origin, now: EpochMillis): boolean {
    this.#fitIsolate();
    const charge = bytes(Math.max(MIN_CHARGE, copy.body.byteLength));
    const { admitted, evicted } = this.#engine.fill(id, charge, origin.kind, now);
    for (const gone of evicted) this.#drop(gone);
    if (origin.kind === "prefetch") for (const gone of evicted) this.#pushedOut.add(gone);
    if (admitted && !evicted.includes(id)) this.#copies.set(id, copy);
    // A prefetch that finds its shard resident is refused, and what is resident stays.
    else if (!this.#engine.has(id)) this.#copies.delete(id);
    return admitted;
  }

  /** Whether `id` missed because a prefetched copy had pushed it out; told once. */
  tookPushedOut(id: string): boolean {
    return this.#pushedOut.delete(id);
  }

  remove(id: string): boolean {
    this.#engine.remove(id);
    return this.#copies.delete(id);
  }

  resize(capacity: number): void {
    this.#configured = capacity;
    this.#fitIsolate();
  }

  clear(): void {
    for (const id of [...this.#copies.keys()]) this.remove(id);
  }

  #fitIsolate(): void {
    const capacity = Math.max(1, Math.min(this.#configured, remainingBudget(this)));
    if (capacity === this.#engine.capacity) return;
    for (const gone of this.#engine.resize(bytes(capacity))) this.#drop(gone);
  }

  #drop(id: string): void {
    if (this.#copies.get(id)?.prefetched === true) this.#evictedUnused++;
    this.#copies.delete(id);
  }
}
