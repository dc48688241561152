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
  /** Asks the coordinator; `sinceLast` is the time since the last heartbeat that was answered. */
  readonly send: (sinceLast: number | undefined) => Promise<HeartbeatAnswer>;
  readonly invalidate: (change: Change) => void;
  /** Takes the rest of an answer: settings, map delta, placement. */
  readonly apply: (answer: HeartbeatAnswer) => void;
  readonly onFault: () => void;
}

/** Keeps a partition's lease: sends heartbeats, and drops what they say has changed before the lease is renewed. */
export class HeartbeatClient {
  readonly #deps: HeartbeatClientDeps;
  #sentAt = Number.NEGATIVE_INFINITY;
  #answeredAt: number | undefined;
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

  /** Asks for the lease if there is none. */
  ensureLease(): void {
    if (!this.#deps.lease.isValid(this.#deps.clock.now())) this.send();
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
    const answer = await send(this.#answeredAt === undefined ? undefined : sent - this.#answeredAt);
    for (const change of answer.changes) invalidate(change);
    lease.renew(sent, clock.now(), answer.coverage);
    this.#answeredAt = sent;
    apply(answer);
  }
}
