import type { DiskCopy, WritableCopy } from "../../durable-objects/partition/disk-tier.ts";
import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import type { InstanceLifetime } from "./instance-lifetime.ts";
import type { Prng } from "./prng.ts";

/** Usual time to read a copy back or to compute the digests of a batch, ms. */
const WORK = 5;

/** What survives a partition's memory: copies as its SQLite keeps them. */
export type DiskRows = Map<string, DiskCopy>;

/** A partition's disk as one life of it sees it: what a past life had under way reaches it no more. */
export class MemoryDisk {
  readonly #rows: DiskRows;
  readonly #life: InstanceLifetime;
  readonly #time: VirtualTime;
  readonly #dice: Prng;

  constructor(rows: DiskRows, life: InstanceLifetime, time: VirtualTime, dice: Prng) {
    this.#rows = rows;
    this.#life = life;
    this.#time = time;
    this.#dice = dice;
  }

  has(id: string): boolean {
    return this.#rows.has(id);
  }

  async read(id: string): Promise<DiskCopy | null> {
    const row = this.#rows.get(id) ?? null;
    await this.#time.sleep(this.#dice.around(WORK));
    return row;
  }

  remove(id: string): boolean {
    return !this.#life.isOver && this.#rows.delete(id);
  }

  async write(copies: readonly WritableCopy[], isCurrent: (copy: WritableCopy) => boolean): Promise<void> {
    await this.#time.sleep(this.#dice.around(WORK));
    for (const copy of copies) {
      if (this.#life.isOver || !isCurrent(copy)) continue;
      const { meta, validatedAt, body } = copy;
      this.#rows.set(copy.id, { meta, validatedAt, body: body.slice(0) });
    }
  }
}
