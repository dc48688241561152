import { DurableObject } from "cloudflare:workers";
import { PARTITION_MIGRATIONS } from "../migrations/partition/index.ts";
import type { Bindings } from "../src/bindings.ts";
import type { PartitionEvent } from "../src/contract/events.ts";
import type { PlannedPrefetch } from "../src/contract/messages.ts";
import type { NeighbourMail, PartitionRpc } from "../src/contract/rpc.ts";
import type { Change, LoggedChanges } from "../src/core/coherence/change.ts";
import type { PrefetchReason } from "../src/core/prefetch/prefetch.ts";
import { type PartitionAddress, parsePartitionName } from "../src/core/routing/route.ts";
import { R2ShardStore } from "../src/storage/r2-shard-store.ts";
import { resilient } from "../src/storage/resilient-store.ts";
import { SYSTEM_CLOCK } from "../src/system-clock.ts";
import { PartitionNode } from "./partition/partition-node.ts";

/**
 * The Durable Object around a {@link PartitionNode}. Reads come by `fetch`, so that bytes stream; everything else is RPC,
 * as `PartitionRpc` describes it.
 */
export class Partition extends DurableObject<Bindings> implements PartitionRpc {
  readonly #node: PartitionNode;

  constructor(context: DurableObjectState, env: Bindings) {
    super(context, env);
    const address = addressOf(context.id);
    this.#node = new PartitionNode({
      address,
      storage: context.storage,
      migrations: PARTITION_MIGRATIONS,
      store: resilient(new R2ShardStore(env.SHARDS)),
      clock: SYSTEM_CLOCK,
      heartbeat: (beat) => env.COORDINATOR.getByName("main").heartbeat(beat),
      sendReport: (report) => env.EVENTS.send(report),
      deliver: async (name, mail) => {
        const id = env.PARTITION.idFromName(name);
        await env.PARTITION.get(id, { locationHint: address.region }).receive(mail);
      },
      sendPrefetch: (message, delaySeconds) => env.PREFETCH.send(message, { delaySeconds }),
      askMind: async (partition) => env.PARTITION.getByName(partition).mind(),
    });
  }

  override fetch(request: Request): Promise<Response> {
    return this.#node.fetch(request);
  }

  observe(events: readonly PartitionEvent[], known?: string) {
    return this.#node.observe(events, known);
  }

  invalidate(changes: readonly Change[], known?: string) {
    return this.#node.invalidate(changes, known);
  }

  hear(logged: LoggedChanges) {
    this.#node.hear(logged);
  }

  prefetch(proposals: readonly PlannedPrefetch[], reason: PrefetchReason) {
    return this.#node.prefetch(proposals, reason);
  }

  receive(mail: NeighbourMail) {
    this.#node.receive(mail);
  }

  status() {
    return this.#node.status();
  }

  explain(shard: string) {
    return this.#node.explain(shard);
  }

  prefetches() {
    return this.#node.prefetches();
  }

  mind() {
    return this.#node.mind();
  }

  forget() {
    return this.#node.forget();
  }

  override alarm() {
    return this.#node.alarm();
  }
}

function addressOf(id: DurableObjectId): PartitionAddress {
  const address = parsePartitionName(id.name ?? "");
  if (address === null) throw new Error("a partition must be named like g1:weur:0");
  return address;
}
