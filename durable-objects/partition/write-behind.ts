import type { Lease } from "../../src/core/coherence/lease.ts";
import type { DiskTier } from "./disk-tier.ts";
import type { MemoryTier } from "./memory-tier.ts";

/** Reads after which a copy has earned its place on disk: the second shows that it is asked for again. */
const EARNED_AT = 2;
/** Bytes written in one batch; a larger one would hold the object's other work up for too long. */
const MAX_BATCH_BYTES = 8 * 1_048_576;
/** Copies noted for the next batches. */
const MAX_NOTED = 5_000;

/** Moves copies that earned it from memory to SQLite, in batches, behind the responses. */
export class WriteBehind {
  readonly #memory: MemoryTier;
  readonly #disk: Pick<DiskTier, "has" | "write">;
  readonly #lease: Pick<Lease, "numberOf">;
  readonly #noted = new Set<string>();
  #kept: ReadonlySet<string> = new Set();

  constructor(memory: MemoryTier, disk: Pick<DiskTier, "has" | "write">, lease: Pick<Lease, "numberOf">) {
    this.#memory = memory;
    this.#disk = disk;
    this.#lease = lease;
  }

  /** A read was answered from a copy of this shard. O(1). */
  note(id: string): void {
    if (this.#disk.has(id) || this.#noted.size >= MAX_NOTED) return;
    const copy = this.#memory.peek(id);
    if (copy !== undefined && (copy.uses >= EARNED_AT || this.#kept.has(id))) this.#noted.add(id);
  }

  /** These earned their place otherwise. */
  earn(ids: readonly string[]): void {
    for (const id of ids) if (this.#noted.size < MAX_NOTED) this.#noted.add(id);
  }

  /** Shards kept warm here: their copies earn their place at once. What is released loses it when room is needed. */
  keep(ids: readonly string[]): void {
    this.#kept = new Set(ids);
  }

  /** Writes a batch; what does not fit stays noted for the next. */
  async flush(): Promise<void> {
    const batch = [];
    let total = 0;
    for (const id of this.#noted) {
      if (total >= MAX_BATCH_BYTES) break;
      this.#noted.delete(id);
      const copy = this.#memory.peek(id);
      if (copy === undefined || this.#disk.has(id)) continue;
      const { meta, body, validatedAt } = copy;
      batch.push({ id, meta, body, validatedAt, asOf: this.#lease.numberOf(copy.asOf) });
      total += copy.body.byteLength;
    }
    await this.#disk.write(batch, ({ id, meta }) => this.#memory.peek(id)?.meta.version === meta.version);
  }

  clear(): void {
    this.#noted.clear();
  }
}
