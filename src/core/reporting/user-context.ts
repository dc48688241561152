import type { Node } from "./report-window.ts";

/**
 * The horizon within which one event follows another: so many later events of the same user, as long as none of them
 * comes after a pause of {@link PAUSE}. Every probability of the shared model means "within this horizon".
 */
export const HORIZON = 20;
/** A pause longer than this, in ms, begins a new visit: what follows did not follow from what was before. */
const PAUSE = 30_000;

/** The last events of one user's visit, in a ring. */
export class UserContext {
  /** The shard read, if the event was a read of one. */
  readonly shards: (Node | null)[] = [];
  readonly types: Node[] = [];
  /** The pattern that the event completed with the one before it. */
  readonly patterns: (Node | null)[] = [];
  readonly times: number[] = [];
  #newest = -1;
  #size = 0;

  /** Where the event `back` events ago is: 1 is the last one; −1 when there is none. */
  at(back: number): number {
    if (back > this.#size) return -1;
    return (this.#newest - back + 1 + HORIZON) % HORIZON;
  }

  /** Forgets the visit if it has ended by `time`. */
  endAt(time: number): void {
    if (this.#size > 0 && time - (this.times[this.#newest] as number) > PAUSE) this.#size = 0;
  }

  push(event: { shard: Node | null; type: Node; pattern: Node | null; time: number }): void {
    this.#newest = (this.#newest + 1) % HORIZON;
    this.#size = Math.min(HORIZON, this.#size + 1);
    this.shards[this.#newest] = event.shard;
    this.types[this.#newest] = event.type;
    this.patterns[this.#newest] = event.pattern;
    this.times[this.#newest] = event.time;
  }
}
