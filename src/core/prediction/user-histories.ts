import { hashUser } from "../hash.ts";
import type { UserColumns, UserWriter } from "./user-columns.ts";

/** Shards remembered per user: somewhat further back than the longest window anchors count in. */
export const HISTORY = 32;
/** Bytes of a user's map entry and key. */
const ENTRY_BYTES = 72;

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
 * What each user did last: a bounded number of users, known by a hash, each with the references of their latest shards.
 * Beyond the bound, a user idle for long (second chance) makes room. Events of no known user form one common stream, that of the
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
  /** Whether the history was taken in from elsewhere, and nothing was added to it since. */
  readonly #recalled: Uint8Array;
  readonly #slots = new Map<number, number>();
  readonly #users: number[] = [];
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
    this.#recalled = new Uint8Array(limit);
  }

  get bytes(): number {
    return (
      this.#history.byteLength * 3 +
      this.#length.byteLength * 6 +
      this.#used.byteLength * 3 +
      this.#users.length * ENTRY_BYTES
    );
  }

  /** The slot of `user`, made if need be. */
  slotOf(user: string): number {
    const key = hashUser(user);
    const known = this.#slots.get(key);
    if (known === undefined) return this.#add(key);
    this.#used[known] = 1;
    return known;
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

  /** Whether the user's history was taken in from elsewhere and this is asked for the first time. */
  takeRecalled(slot: number): boolean {
    const isRecalled = this.#recalled[slot] === 1;
    this.#recalled[slot] = 0;
    return isRecalled;
  }

  /** The slots of users who did something, the latest first. O(users · log users). */
  byLatest(): readonly number[] {
    const slots = this.#users.map((_, slot) => slot).filter((slot) => this.length(slot) > 0);
    return slots.sort((a, b) => (this.#lastTick[b] as number) - (this.#lastTick[a] as number));
  }

  /** Writes what the user in `slot` did last, as of `tick`; returns the number of steps. O({@link HISTORY}). */
  save(slot: number, tick: number, writer: UserWriter, numberOf: (reference: number) => number): number {
    writer.user({
      key: this.#users[slot] as number,
      age: tick - (this.#lastTick[slot] as number),
      time: this.#time[slot] as number,
      other: this.#other[slot] as number,
      isTyped: this.isTyped(slot),
    });
    const steps = Math.min(HISTORY, this.length(slot));
    for (let back = steps; back >= 1; back--)
      writer.step(numberOf(this.at(slot, back)), this.contextAt(slot, back));
    return steps;
  }

  /** Takes in saved histories of users who did nothing here yet, as far as there is room, as of `tick`. O(steps). */
  absorb(saved: UserColumns, tick: number, referenceOf: (number: number) => number): void {
    let from = 0;
    saved.keys.forEach((key, index) => {
      const to = from + (saved.lengths[index] as number);
      const slot = this.#slots.get(key) ?? (this.#users.length < this.#limit ? this.#add(key) : -1);
      if (slot >= 0 && this.length(slot) === 0) {
        this.#recall(slot, saved, index, tick);
        for (let at = from; at < to; at++)
          this.#recallStep(slot, referenceOf(saved.targets[at] as number), saved.contexts[at] as number);
      }
      from = to;
    });
  }

  #recall(slot: number, saved: UserColumns, index: number, tick: number): void {
    this.#other[slot] = saved.others[index] as number;
    this.#typed[slot] = saved.typed[index] as number;
    this.#time[slot] = saved.times[index] as number;
    this.#lastTick[slot] = Math.max(1, tick - (saved.ages[index] as number));
    this.#recalled[slot] = 1;
  }

  #recallStep(slot: number, reference: number, context: number): void {
    const length = this.#length[slot] as number;
    const at = slot * HISTORY + (length & (HISTORY - 1));
    this.#history[at] = reference;
    this.#contexts[at] = context;
    this.#length[slot] = length + 1;
  }

  #add(key: number): number {
    const slot = this.#users.length < this.#limit ? this.#users.length : this.#displace();
    this.#users[slot] = key;
    this.#slots.set(key, slot);
    this.#length[slot] = this.#lastTick[slot] = this.#used[slot] = this.#recalled[slot] = 0;
    this.#eventType[slot] = 0;
    return slot;
  }

  #displace(): number {
    while (this.#used[this.#hand] === 1) {
      this.#used[this.#hand] = 0;
      this.#hand = (this.#hand + 1) % this.#limit;
    }
    const slot = this.#hand;
    this.#hand = (this.#hand + 1) % this.#limit;
    this.#slots.delete(this.#users[slot] as number);
    return slot;
  }
}
