/** What users did last, one user after the other, each with `lengths` steps, the oldest first. */
export interface UserColumns {
  /** Hashes of the users' ids. */
  readonly keys: Float64Array;
  readonly lengths: Uint8Array;
  /** Ticks since the user's last event. */
  readonly ages: Int32Array;
  /** Time of the last step, ms since the epoch. */
  readonly times: Float64Array;
  /** The last step told in the other way, and whether its context has the kind of the event in it. */
  readonly others: Int32Array;
  readonly typed: Uint8Array;
  /** Of each step, what was read, as whoever saved it numbers it (0: not told), and what it is as a context. */
  readonly targets: Int32Array;
  readonly contexts: Int32Array;
}

/** What is said once of a user whose steps are saved. */
interface SavedUser {
  readonly key: number;
  readonly age: number;
  readonly time: number;
  readonly other: number;
  readonly isTyped: boolean;
}

/** {@link UserColumns} that are being written. */
export class UserWriter {
  readonly #users: SavedUser[] = [];
  readonly #lengths: number[] = [];
  readonly #targets: number[] = [];
  readonly #contexts: number[] = [];

  /** Begins a user, whose steps follow. */
  user(user: SavedUser): void {
    this.#users.push(user);
    this.#lengths.push(0);
  }

  /** A step of the user begun last. */
  step(target: number, context: number): void {
    const last = this.#lengths.length - 1;
    this.#lengths[last] = (this.#lengths[last] as number) + 1;
    this.#targets.push(target);
    this.#contexts.push(context);
  }

  toColumns(): UserColumns {
    const users = this.#users;
    return {
      keys: Float64Array.from(users, ({ key }) => key),
      lengths: Uint8Array.from(this.#lengths),
      ages: Int32Array.from(users, ({ age }) => age),
      times: Float64Array.from(users, ({ time }) => time),
      others: Int32Array.from(users, ({ other }) => other),
      typed: Uint8Array.from(users, ({ isTyped }) => (isTyped ? 1 : 0)),
      targets: Int32Array.from(this.#targets),
      contexts: Int32Array.from(this.#contexts),
    };
  }
}
