import FlatQueue from "flatqueue";

/** What to run, and how. */
export interface Schedule {
  /** The user of each row, in the order of the trace. */
  readonly users: readonly string[];
  /** Rows under way at once. */
  readonly concurrency: number;
  /** Does one row; a rejection ends the schedule. */
  run(row: number): Promise<void>;
  /** Ends it: rows under way finish, no more begin. */
  readonly signal: AbortSignal;
}

/** Rows that may begin while an older one is unfinished, for each under way: keeps the order close to the trace's. */
const LOOKAHEAD = 8;

/**
 * Runs all rows, each user's strictly one after the other, different users' side by side, always the earliest row
 * that may begin. O(log concurrency) a row.
 */
export function runInOrder(schedule: Schedule): Promise<void> {
  return new Runner(schedule).run();
}

class Runner {
  readonly #schedule: Schedule;
  /** Rows waiting for an earlier one of their user; an entry, even an empty one, says that the user is busy. */
  readonly #behind = new Map<string, number[]>();
  /** Rows whose turn has come after they waited. */
  readonly #ready = new FlatQueue<number>();
  readonly #done: Uint8Array;
  #oldestUnfinished = 0;
  #next = 0;
  #active = 0;
  #failure: { readonly cause: unknown } | null = null;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#done = new Uint8Array(schedule.users.length);
  }

  run(): Promise<void> {
    return new Promise((resolve, reject) => this.#fill(resolve, reject));
  }

  /** Begins what may begin; settles when nothing is under way and nothing will be. */
  #fill(resolve: () => void, reject: (cause: unknown) => void): void {
    const { signal, concurrency, run } = this.#schedule;
    while (this.#active < concurrency && !signal.aborted && this.#failure === null) {
      const row = this.#take();
      if (row === undefined) break;
      this.#active++;
      run(row)
        .catch((cause: unknown) => {
          this.#failure ??= { cause };
        })
        .finally(() => {
          this.#active--;
          this.#finish(row);
          this.#fill(resolve, reject);
        });
    }
    if (this.#active > 0) return;
    if (this.#failure !== null) reject(this.#failure.cause);
    else resolve();
  }

  /** The earliest row that may begin now. */
  #take(): number | undefined {
    const ready = this.#ready.pop();
    if (ready !== undefined) return ready;
    const { users, concurrency } = this.#schedule;
    const limit = Math.min(users.length, this.#oldestUnfinished + LOOKAHEAD * concurrency);
    while (this.#next < limit) {
      const row = this.#next++;
      const user = users[row] ?? "";
      const behind = this.#behind.get(user);
      if (behind === undefined) {
        this.#behind.set(user, []);
        return row;
      }
      behind.push(row);
    }
    return undefined;
  }

  #finish(row: number): void {
    this.#done[row] = 1;
    while (this.#done[this.#oldestUnfinished] === 1) this.#oldestUnfinished++;
    const user = this.#schedule.users[row] ?? "";
    const following = this.#behind.get(user)?.shift();
    if (following === undefined) this.#behind.delete(user);
    else this.#ready.push(following, following);
  }
}
