import { hashText } from "../hash.ts";
import { contextOf, EVENT } from "./shard-table.ts";

/** Kinds of events told apart; they are named by programs, not by users. Beyond the bound all new ones are one. */
const MAX_TYPES = 1_024;

/** The kinds of events seen, each a small integer: an event type with the data type, where there is one. O(1). */
export class EventTypes {
  readonly #types = new Map<string, number>();
  readonly #hashes: number[] = [];
  readonly #contexts: number[] = [];

  /** The small integer for events of this type and data type. */
  of(type: string, dataType: string | undefined): number {
    const name = dataType === undefined ? type : `${type}\u0000${dataType}`;
    const known = this.#types.get(name);
    if (known !== undefined) return known;
    const next = Math.min(this.#types.size, MAX_TYPES);
    if (next < MAX_TYPES) this.#types.set(name, next);
    this.#hashes[next] = hashText(next < MAX_TYPES ? name : "");
    this.#contexts[next] = contextOf(next < MAX_TYPES ? type : "", EVENT);
    return next;
  }

  /** The event type alone, as the context of what follows. */
  context(type: number): number {
    return this.#contexts[type] as number;
  }

  /** A hash of what the integer stands for: the same in every instance. */
  hash(type: number): number {
    return this.#hashes[type] as number;
  }
}
