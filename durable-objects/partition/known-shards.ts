/** What is known of a shard that cannot be held. */
export interface KnownShard {
  readonly kind: "absent" | "large";
  /** The storage was asked after this, ms since the epoch. */
  readonly askedAt: number;
}

/** Shards remembered: an id takes up to 1 KiB, so some 4 MiB at the very most. */
const MAX_KNOWN = 4_000;

/** Shards that no copy can be kept of: those that do not exist, and those too large. Bounded; the oldest go. O(1). */
export class KnownShards {
  readonly #known = new Map<string, KnownShard>();

  note(id: string, known: KnownShard): void {
    this.#known.delete(id);
    this.#known.set(id, known);
    if (this.#known.size <= MAX_KNOWN) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  get(id: string): KnownShard | undefined {
    return this.#known.get(id);
  }

  /** Whether fetching it ahead would be in vain. */
  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** It was written, deleted or found to be otherwise. */
  forget(id: string): void {
    this.#known.delete(id);
  }
}
