import { DurableObject } from "cloudflare:workers";
import { COORDINATOR_MIGRATIONS } from "../migrations/coordinator/index.ts";
import type { Bindings } from "../src/bindings.ts";
import type { DeadLetter, Report } from "../src/contract/messages.ts";
import type { CoordinatorRpc, Heartbeat } from "../src/contract/rpc.ts";
import type { VersionedSettings } from "../src/contract/settings.ts";
import type { Change } from "../src/core/coherence/change.ts";
import { settingsStore } from "../src/storage/settings-store.ts";
import { SYSTEM_CLOCK } from "../src/system-clock.ts";
import { CoordinatorNode } from "./coordinator/coordinator-node.ts";

/** The Durable Object around a {@link CoordinatorNode}. All of it is RPC, as `CoordinatorRpc` describes it. */
export class Coordinator extends DurableObject<Bindings> implements CoordinatorRpc {
  readonly #node: CoordinatorNode;

  constructor(context: DurableObjectState, env: Bindings) {
    super(context, env);
    this.#node = new CoordinatorNode({
      storage: context.storage,
      migrations: COORDINATOR_MIGRATIONS,
      clock: SYSTEM_CLOCK,
      readSettings: () => settingsStore(env.SETTINGS).read(),
      partition: (name) => env.PARTITION.getByName(name),
      sendPrefetchBatch: (batch) => env.PREFETCH.sendBatch(batch),
    });
  }

  heartbeat(beat: Heartbeat) {
    return this.#node.heartbeat(beat);
  }

  applyReports(reports: readonly Report[]) {
    return this.#node.applyReports(reports);
  }

  routingState() {
    return this.#node.routingState();
  }

  settingsChanged(settings: VersionedSettings) {
    this.#node.settingsChanged(settings);
  }

  members() {
    return this.#node.members();
  }

  announceBounded(changes: readonly Change[]) {
    return this.#node.announceBounded(changes);
  }

  announceStrong(changes: readonly Change[]) {
    return this.#node.announceStrong(changes);
  }

  rebalance() {
    return this.#node.rebalance();
  }

  recordDeadLetters(letters: readonly DeadLetter[]) {
    this.#node.recordDeadLetters(letters);
  }

  overview() {
    return this.#node.overview();
  }

  forget() {
    return this.#node.forget();
  }

  override alarm() {
    this.#node.alarm();
  }
}
