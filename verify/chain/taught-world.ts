import { World, type WorldOptions } from "../../simulator/world/world.ts";
import type { Region } from "../../src/core/placement/regions.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";

/** A world that people go through step by step, to teach it something. */
export class TaughtWorld {
  readonly stored = new MemoryShardStore(() => 0);
  readonly world: World;

  constructor(options: Pick<WorldOptions, "regions"> & Partial<WorldOptions>) {
    this.world = new World({
      store: () => this.stored,
      settings: { freshnessSeconds: 86_400 },
      deltas: true,
      reasons: ["predicted", "scan"],
      ...options,
    });
  }

  /** Stores small shards of these names. */
  async store(...ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.stored.put(id, new Uint8Array(64));
  }

  /** Lets `script` happen, to its end. */
  async run<T>(script: () => Promise<T>): Promise<T> {
    let isOver = false;
    const ended = this.world
      .begin()
      .then(script)
      .finally(() => {
        isOver = true;
      });
    await Promise.all([ended.catch(() => undefined), this.world.time.run(() => isOver)]);
    return ended;
  }

  /** `user` reads a shard by an event of this type; the answer's `Cache-Status`. */
  read(region: Region, user: string, eventType: string, id: string): Promise<string> {
    return this.world.read(region, {
      id,
      user,
      eventType,
      region,
      method: "GET",
      bypass: false,
      conditions: {},
    });
  }

  /** `user` does something that reads nothing. */
  act(region: Region, user: string, type: string): Promise<void> {
    return this.world.observe(region, [{ type, user, region, time: Math.floor(this.world.time.now) }]);
  }
}
