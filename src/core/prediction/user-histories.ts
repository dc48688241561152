/** Shards remembered per user: somewhat further back than the longest window anchors count in. */
export const HISTORY = 32;
/** Bytes of a user's map entry and id. */
const ENTRY_BYTES = 120;

/** One step of a user. */
export interface Step {
  /** Reference of the shard, pattern or event. */
  readonly reference: number;
  /** Hash of what was done: the context of what comes next. */
  readonly context: number;
  /** Hash of the same told less, or more, exactly; 0 when there is no other way to tell it. */
  readonly other: number;
  /** Whether `context` has the kind of the event in it. */
  readonly isTyped: boolean;
}

/**
 * What each user did last: a bounded number of users, each with the references of their latest shards. Beyond the
 * bound, a user idle for long (second chance) makes room. Events of no known user form one common stream, that of the
 * user "". O(1) per event.
 */
export class UserHistories {
  readonly #history: Int32Array;
  readonly #ticks: Int32Array;
  readonly #contexts: Int32Array;
  readonly #other: Int32Array;
  readonly #typed: Uint8Array;
  /** Context of the last event's type. */
  readonly #eventType: Int32Array;
  /** Time of the last step, ms since the epoch. */
  readonly #time: Float64Array;
  readonly #length: Int32Array;
  readonly #lastTick: Int32Array;
  readonly #used: Uint8Array;
  readonly #slots = new Map<string, number>();
  readonly #users: string[] = [];
  readonly #limit: number;
  #hand = 0;

  /** @param limit number of users remembered. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#history = new Int32Array(limit * HISTORY);
    this.#ticks = new Int32Array(limit * HISTORY);
    this.#contexts = new Int32Array(limit * HISTORY);
    this.#other = new Int32Array(limit);
    this.#typed = new Uint8Array(limit);
    this.#eventType = new Int32Array(limit);
    this.#time = new Float64Array(limit);
    this.#length = new Int32Array(limit);
    this.#lastTick = new Int32Array(limit);
    this.#used = new Uint8Array(limit);
  }

  get bytes(): number {
    return (
      this.#history.byteLength * 3 +
      this.#length.byteLength * 6 +
      this.#used.byteLength * 2 +
      this.#users.length * ENTRY_BYTES
    );
  }

  /** The slot of `user`, made if need be. */
  slotOf(user: string): number {
    const known = this.#slots.get(user);
    if (known !== undefined) {
      this.#used[known] = 1;
      return known;
    }
    const slot = this.#users.length < this.#limit ? this.#users.length : this.#displace();
    this.#users[slot] = user;
    this.#slots.set(user, slot);
    this.#length[slot] = this.#lastTick[slot] = this.#used[slot] = this.#eventType[slot] = 0;
    return slot;
  }

  /** Ticks since the user's last event, 0 if there was none; takes note of this one. */
  gap(slot: number, tick: number): number {
    const last = this.#lastTick[slot] as number;
    this.#lastTick[slot] = tick;
    return last === 0 ? 0 : tick - last;
  }

  /** The user's reference `back` steps ago (1 = latest), or 0. */
  at(slot: number, back: number): number {
    const length = this.#length[slot] as number;
    if (back > length || back > HISTORY) return 0;
    return this.#history[slot * HISTORY + ((length - back) & (HISTORY - 1))] as number;
  }

  /** The context that the user's step `back` steps ago is, or 0. */
  contextAt(slot: number, back: number): number {
    const length = this.#length[slot] as number;
    if (back > length || back > HISTORY) return 0;
    return this.#contexts[slot * HISTORY + ((length - back) & (HISTORY - 1))] as number;
  }

  /** The latest step told in the other way, or 0. */
  otherContext(slot: number): number {
    return (this.#length[slot] as number) === 0 ? 0 : (this.#other[slot] as number);
  }

  /** Whether the latest step's context has the kind of the event in it. */
  isTyped(slot: number): boolean {
    return this.#typed[slot] === 1;
  }

  /** The user has an event of this type; returns the type of the one before, both as contexts. 0: there was none. */
  noteEventType(slot: number, type: number): number {
    const before = this.#eventType[slot] as number;
    this.#eventType[slot] = type;
    return before;
  }

  /** Time since the latest step, ms. */
  sinceLast(slot: number, time: number): number {
    return time - (this.#time[slot] as number);
  }

  /** Appends a step to the user's history. */
  push(slot: number, { reference, context, other, isTyped }: Step, tick: number, time: number): void {
    const length = this.#length[slot] as number;
    const at = slot * HISTORY + (length & (HISTORY - 1));
    this.#history[at] = reference;
    this.#contexts[at] = context;
    this.#ticks[at] = tick;
    this.#other[slot] = other;
    this.#typed[slot] = isTyped ? 1 : 0;
    this.#time[slot] = time;
    this.#length[slot] = length + 1;
  }

  /** Number of steps of the user so far. */
  length(slot: number): number {
    return this.#length[slot] as number;
  }

  /** Tick of the user's step that followed when they had `length` steps behind them; Infinity while there is none. */
  tickAfter(slot: number, length: number): number {
    const now = this.#length[slot] as number;
    if (now <= length || now - length > HISTORY) return Number.POSITIVE_INFINITY;
    return this.#ticks[slot * HISTORY + (length & (HISTORY - 1))] as number;
  }

  #displace(): number {
    while (this.#used[this.#hand] === 1) {
      this.#used[this.#hand] = 0;
      this.#hand = (this.#hand + 1) % this.#limit;
    }
    const slot = this.#hand;
    this.#hand = (this.#hand + 1) % this.#limit;
    this.#slots.delete(this.#users[slot] as string);
    return slot;
  }
}
