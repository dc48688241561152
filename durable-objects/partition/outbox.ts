import type { NeighbourMail } from "../../src/contract/rpc.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { ShardEvent } from "../../src/core/event.ts";
import type { Prefetch } from "../../src/core/prefetch/prefetch.ts";

/** How long mail waits for more to go with it, ms: a call for each event would double what reads cost. */
const WAIT = 25;
/** Mail goes at once when it has so many pieces; a kilobyte each at the very most. */
const MAX_PIECES = 200;
/** Neighbours mail is kept for: the slots of a region, and those of a topology just left. */
const MAX_NEIGHBOURS = 256;

/** What an {@link Outbox} works with. */
export interface OutboxDeps {
  readonly clock: Clock;
  /** Brings mail to the partition of this name; resolves when it was taken. */
  readonly deliver: (name: string, mail: NeighbourMail) => Promise<unknown>;
  readonly onFault: () => void;
}

interface Waiting {
  readonly events: ShardEvent[];
  readonly prefetches: Prefetch[];
}

/**
 * What a partition has for the others of its region: events for the homes of their users, prefetches for the owners of
 * their shards. Several pieces go in one call. What cannot be delivered is lost, as anything learned may be.
 */
export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #waiting = new Map<string, Waiting>();
  #scheduled = false;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  event(name: string, event: ShardEvent): void {
    const waiting = this.#for(name);
    waiting?.events.push(event);
    this.#sendFull(name, waiting);
  }

  prefetch(name: string, prefetch: Prefetch): void {
    const waiting = this.#for(name);
    waiting?.prefetches.push(prefetch);
    this.#sendFull(name, waiting);
  }

  /** Sends what waits: there is time to be gained. */
  flush(): void {
    for (const name of [...this.#waiting.keys()]) this.#send(name);
  }

  #for(name: string): Waiting | undefined {
    const known = this.#waiting.get(name);
    if (known !== undefined || this.#waiting.size >= MAX_NEIGHBOURS) return known;
    const waiting = { events: [], prefetches: [] };
    this.#waiting.set(name, waiting);
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#deps.clock.after(WAIT, () => {
        this.#scheduled = false;
        this.flush();
      });
    }
    return waiting;
  }

  #sendFull(name: string, waiting: Waiting | undefined): void {
    if (waiting !== undefined && waiting.events.length + waiting.prefetches.length >= MAX_PIECES)
      this.#send(name);
  }

  #send(name: string): void {
    const mail = this.#waiting.get(name);
    this.#waiting.delete(name);
    if (mail !== undefined) this.#deps.deliver(name, mail).catch(() => this.#deps.onFault());
  }
}
