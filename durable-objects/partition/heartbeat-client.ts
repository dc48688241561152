import type { HeartbeatAnswer } from "../../src/contract/rpc.ts";
import { type Clock, sleep } from "../../src/core/clock.ts";
import type { Change } from "../../src/core/coherence/change.ts";
import type { Lease } from "../../src/core/coherence/lease.ts";
import { SECOND } from "../../src/core/units.ts";

/** A heartbeat that failed is not repeated at once, however many reads would want it. */
const MIN_INTERVAL = SECOND;
/** How long a reader waits for a lease that is being asked for, rather than reading R2 a second time, ms. */
const LEASE_WAIT_TIMEOUT = 100;

/** What a {@link HeartbeatClient} works with. */
export interface HeartbeatClientDeps {
  readonly lease: Lease;
  readonly clock: Clock;
  /** Asks the coordinator. */
  readonly send: () => Promise<HeartbeatAnswer>;
  readonly invalidate: (changes: readonly Change[]) => void;
  /** Takes the rest of an answer: settings, topology, map delta, placement. */
  readonly apply: (answer: HeartbeatAnswer) => void;
  readonly onFault: () => void;
}

/** Keeps a partition's lease: sends heartbeats, and drops what they say has changed before the lease is renewed. */
export class HeartbeatClient {
  readonly #deps: HeartbeatClientDeps;
  #sentAt = Number.NEGATIVE_INFINITY;
  #inFlight: Promise<void> = Promise.resolve();

  constructor(deps: HeartbeatClientDeps) {
    this.#deps = deps;
  }

  /** Sends a heartbeat, unless one was sent a moment ago: a coordinator in trouble is not made busier. */
  send(): void {
    const sent = this.#deps.clock.now();
    if (sent - this.#sentAt < MIN_INTERVAL) return;
    this.#sentAt = sent;
    // Without a lease copies are checked with R2 before they are served; reads go on.
    this.#inFlight = this.#exchange(sent).catch(() => this.#deps.onFault());
  }

  /** Sends a heartbeat when the last is `interval` ms ago. */
  sendAfter(interval: number): void {
    if (this.#deps.clock.now() - this.#sentAt >= interval) this.send();
  }

  /** Asks if there is no lease, or a change is missing. */
  ensureLease(): void {
    if (!this.#deps.lease.isCurrent(this.#deps.clock.now())) this.send();
  }

  /** Sends a heartbeat whatever was before, and waits until it is over. */
  async sendNow(): Promise<void> {
    await this.#inFlight;
    this.#sentAt = Number.NEGATIVE_INFINITY;
    this.send();
    await this.#inFlight;
  }

  /** Resolves when the heartbeat under way is over, or shortly. */
  settled(): Promise<void> {
    return Promise.race([this.#inFlight, sleep(this.#deps.clock, LEASE_WAIT_TIMEOUT)]);
  }

  async #exchange(sent: number): Promise<void> {
    const { lease, clock, send, invalidate, apply } = this.#deps;
    const answer = await send();
    invalidate(answer.logged.changes);
    lease.renew(sent, clock.now(), answer.logged);
    apply(answer);
  }
}
