import type { Migration } from "../../migrations/migrate.ts";
import type { PrefetchMessage, Report } from "../../src/contract/messages.ts";
import type { Heartbeat, NeighbourMail } from "../../src/contract/rpc.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { EngineSettings } from "../../src/core/engine/settings.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import type { Digest } from "./disk-tier.ts";

/** All that a partition has of the world around it. */
export interface PartitionNodeDeps {
  readonly address: PartitionAddress;
  readonly storage: NodeStorage;
  /** Steps of the storage's schema. */
  readonly migrations: readonly Migration[];
  readonly store: ShardStore;
  readonly clock: Clock;
  /** Asks the coordinator; its answer is parsed here. */
  readonly heartbeat: (beat: Heartbeat) => Promise<unknown>;
  readonly sendReport: (report: Report) => Promise<unknown>;
  readonly sendPrefetch: (message: PrefetchMessage, delaySeconds: number) => Promise<unknown>;
  /** Brings mail to another partition of the region. */
  readonly deliver: (name: string, mail: NeighbourMail) => Promise<unknown>;
  /** Asks a sibling by its name for its mind; its answer is parsed here. */
  readonly askMind: (partition: string) => Promise<unknown>;
  /** Overrides of the engine's own settings, for simulations scaled down. */
  readonly engine?: Partial<EngineSettings>;
  /** Computes SHA-256; the platform's own but for simulations, where it takes virtual time. */
  readonly digest?: Digest;
}
