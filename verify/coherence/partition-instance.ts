import type { Digest } from "../../durable-objects/partition/disk-tier.ts";
import { PartitionNode } from "../../durable-objects/partition/partition-node.ts";
import { sha256 } from "../../simulator/platform/digest.ts";
import { NodeHost } from "../../simulator/platform/node-host.ts";
import type { Prng } from "../../simulator/platform/prng.ts";
import { migrationsOf } from "../../simulator/platform/sqlite-storage.ts";
import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import type { PrefetchMessage, Report } from "../../src/contract/messages.ts";
import type { Heartbeat } from "../../src/contract/rpc.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { bytes } from "../../src/core/units.ts";
import { resilient } from "../../src/storage/resilient-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";

/** Bytes of what an instance learns: small, so that a new one is cheap. */
const MODEL_BYTES = bytes(65_536);
/** Usual time to compute a digest, ms; and what it may take when there is much else to do, at times. */
const DIGEST_TIME = 5;
const MAX_DIGEST_TIME = 2_000;
const SLOW_DIGESTS = 0.2;
const MIGRATIONS = migrationsOf("partition");

/** What a partition has of the world. */
export interface PartitionInstanceDeps {
  readonly address: PartitionAddress;
  readonly time: VirtualTime;
  readonly prng: Prng;
  readonly store: ShardStore;
  readonly heartbeat: (beat: Heartbeat) => Promise<unknown>;
  readonly sendReport: (report: Report) => Promise<unknown>;
  readonly sendPrefetch: (message: PrefetchMessage, delaySeconds: number) => Promise<unknown>;
}

/** Where a partition's instances live: the production node, engine included, made as its Durable Object makes it. */
export function hostPartition(deps: PartitionInstanceDeps): NodeHost<PartitionNode> {
  const { address, time, prng, store, heartbeat, sendReport, sendPrefetch } = deps;
  const digest: Digest = async (data) => {
    await time.sleep(prng.chance(SLOW_DIGESTS) ? prng.between(0, MAX_DIGEST_TIME) : prng.around(DIGEST_TIME));
    return sha256(data);
  };
  return new NodeHost({
    time,
    prng: prng.fork(),
    make: ({ storage, clock, lifetime }) =>
      new PartitionNode({
        address,
        storage,
        migrations: MIGRATIONS,
        // Without tries of its own: their pauses are not of virtual time.
        store: resilient(store, { clock, retries: 0 }),
        clock,
        heartbeat: (beat) => lifetime.within(() => heartbeat(beat)),
        sendReport: (report) => lifetime.within(() => sendReport(report)),
        sendPrefetch: (message, delay) => lifetime.within(() => sendPrefetch(message, delay)),
        // A region has one slot here: nobody has anything for a neighbour.
        deliver: async () => undefined,
        // Topology never changes here: there is no sibling.
        askMind: async () => null,
        engine: { modelBytes: MODEL_BYTES },
        digest,
      }),
  });
}
