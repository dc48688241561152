import type { CachePolicy } from "../../src/core/cache/policy.ts";
import { type Bytes, bytes, type EpochMillis } from "../../src/core/units.ts";
import type { ShardMeta } from "../../src/storage/shard-store.ts";
import { register, remainingBudget } from "./isolate-memory.ts";

/** A whole copy of a shard; its bytes are never written to. */
export interface Copy {
  readonly meta: ShardMeta;
  readonly body: ArrayBuffer;
  /** When the storage last said that this is the current version, ms since the epoch. */
  validatedAt: number;
  /** Fetched by prediction and not asked for since. */
  prefetched: boolean;
  /** Reads answered from this copy. */
  uses: number;
}

/** How a copy came: asked for, or predicted until `expires`. */
export type Origin =
  | { readonly kind: "demand" }
  | { readonly kind: "prefetch"; readonly expires: EpochMillis };

/** The least a copy is charged: what its objects, headers and map entries take besides the bytes. */
const MIN_CHARGE = 512;

/** Shards remembered as pushed out: what comes back later than that would have gone anyway. */
const MAX_PUSHED_OUT = 1_024;

/** Copies in memory, bounded in bytes by the policy's capacity and by what the isolate has left. */
export class MemoryTier {
  readonly #copies = new Map<string, Copy>();
  readonly #policy: CachePolicy;
  #configured: number;
  #evictedUnused = 0;
  /** Shards that went to make room for prefetched ones, and were not asked for since. */
  readonly #pushedOut = new Set<string>();

  constructor(makePolicy: (capacity: Bytes) => CachePolicy, capacity: number) {
    this.#policy = makePolicy(bytes(capacity));
    this.#configured = capacity;
    register(this);
  }

  /** Bytes charged to the copies held. */
  get used(): number {
    return this.#policy.used;
  }
  get capacity(): number {
    return this.#policy.capacity;
  }
  get count(): number {
    return this.#copies.size;
  }
  /** Prefetched copies that went without having been asked for. */
  get evictedUnused(): number {
    return this.#evictedUnused;
  }

  /** One demand access. O(1), and no copy of the bytes. */
  access(id: string): Copy | undefined {
    const copy = this.#copies.get(id);
    if (copy !== undefined) this.#policy.access(id);
    return copy;
  }

  /** The copy without counting an access. */
  peek(id: string): Copy | undefined {
    return this.#copies.get(id);
  }

  /** Takes a copy in, dropping others to make room; false when it cannot be held. */
  put(id: string, copy: Copy, origin: Origin, now: EpochMillis): boolean {
    this.#fitIsolate();
    this.#policy.advance(now);
    const charge = bytes(Math.max(MIN_CHARGE, copy.body.byteLength));
    const { admitted, evicted } =
      origin.kind === "demand"
        ? this.#policy.admit(id, charge)
        : this.#policy.admitPrefetched(id, charge, origin.expires, now);
    for (const gone of evicted) this.#drop(gone);
    if (origin.kind === "prefetch") this.#rememberPushedOut(evicted);
    if (admitted && !evicted.includes(id)) this.#copies.set(id, copy);
    // A prefetch that finds its shard resident is refused, and what is resident stays.
    else if (!this.#policy.has(id)) this.#copies.delete(id);
    return admitted;
  }

  /** Whether `id` missed because a prefetched copy had pushed it out; told once. */
  tookPushedOut(id: string): boolean {
    return this.#pushedOut.delete(id);
  }

  remove(id: string): boolean {
    this.#policy.remove(id);
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
    if (capacity === this.#policy.capacity) return;
    for (const gone of this.#policy.resize(bytes(capacity))) this.#drop(gone);
  }

  #rememberPushedOut(ids: readonly string[]): void {
    for (const id of ids) this.#pushedOut.add(id);
    for (const oldest of this.#pushedOut) {
      if (this.#pushedOut.size <= MAX_PUSHED_OUT) break;
      this.#pushedOut.delete(oldest);
    }
  }

  #drop(id: string): void {
    if (this.#copies.get(id)?.prefetched === true) this.#evictedUnused++;
    this.#copies.delete(id);
  }
}
