import type { Clock } from "../../src/core/clock.ts";
import { epochMillis } from "../../src/core/units.ts";
import type { DiskTier } from "./disk-tier.ts";
import type { Copy, MemoryTier, Origin } from "./memory-tier.ts";

/** What a {@link DiskLoader} works with. */
export interface DiskLoaderDeps {
  readonly disk: Pick<DiskTier, "has" | "read">;
  readonly memory: MemoryTier;
  readonly clock: Clock;
}

/** Takes copies from SQLite into memory, each once for all who want it at the same time. */
export class DiskLoader {
  readonly #deps: DiskLoaderDeps;
  readonly #loading = new Map<string, Promise<Copy | null>>();
  #fences = 0;

  constructor(deps: DiskLoaderDeps) {
    this.#deps = deps;
  }

  /** Whether there is a copy to be loaded. O(1). */
  has(id: string): boolean {
    return this.#deps.disk.has(id);
  }

  /**
   * The copy of `id`, in memory now where it may be held; null when there is none, it is damaged, or `isWanted` says no
   * when it is here.
   */
  load(id: string, origin: Origin, isWanted: (copy: Copy) => boolean = () => true): Promise<Copy | null> {
    const loading =
      this.#loading.get(id) ?? this.#load(id, origin, isWanted).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  /** A shard changed: what is being loaded may be older, and is not taken in. */
  fence(): void {
    this.#fences++;
  }

  async #load(id: string, origin: Origin, isWanted: (copy: Copy) => boolean): Promise<Copy | null> {
    const { disk, memory, clock } = this.#deps;
    const before = this.#fences;
    const stored = await disk.read(id);
    // While its digest was checked a fetch may have brought it, or it may have been invalidated.
    const loaded = memory.peek(id);
    if (loaded !== undefined) return loaded;
    if (stored === null || this.#fences !== before) return null;
    // Not marked as prefetched: whoever comes for it was spared no read of the storage.
    const copy: Copy = { ...stored, prefetched: false, uses: 0 };
    if (!isWanted(copy)) return null;
    memory.put(id, copy, origin, epochMillis(clock.now()));
    return copy;
  }
}
