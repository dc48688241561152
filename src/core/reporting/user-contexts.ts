import { BoundedMap } from "../collections/bounded-map.ts";
import type { Node } from "./report-window.ts";

/** Events of a user that what comes can follow from. */
export const LOOKAHEAD = 20;
/** A pause longer than this, in ms, begins a new visit: what follows did not follow from what was before. */
export const VISIT_GAP = 30_000;

/** The last events of one user, in a ring. */
export class UserContext {
  /** The shard read, if the event was a read of one. */
  readonly shards: (Node | null)[] = [];
  readonly types: Node[] = [];
  readonly times: number[] = [];
  #newest = -1;

  /** Where the event `back` events ago is: 1 is the last one; −1 when there is none. */
  at(back: number): number {
    if (back > this.times.length) return -1;
    return (this.#newest - back + 1 + LOOKAHEAD) % LOOKAHEAD;
  }

  push(shard: Node | null, type: Node, time: number): void {
    this.#newest = (this.#newest + 1) % LOOKAHEAD;
    this.shards[this.#newest] = shard;
    this.types[this.#newest] = type;
    this.times[this.#newest] = time;
  }
}

/** Contexts of the users seen last; the one silent longest is forgotten first. */
export class UserContexts {
  readonly #users: BoundedMap<string, UserContext>;

  constructor(limit: number) {
    this.#users = new BoundedMap(limit);
  }

  /** O(1). */
  of(user: string): UserContext {
    const context = this.#users.get(user) ?? new UserContext();
    this.#users.set(user, context);
    return context;
  }
}
