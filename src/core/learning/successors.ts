import { add, type DecayedCount, newCount, valuesAt } from "./decayed-count.ts";

interface Successor extends DecayedCount {
  /** Mean delay from `from` to here, ms, smoothed. */
  delay: number;
}

interface Row {
  readonly seen: DecayedCount;
  readonly next: Map<string, Successor>;
}

/** One learned transition, ready to be read. */
export interface Transition {
  readonly to: string;
  readonly probability: number;
  readonly delay: number;
  /** The evidence: decayed long-term count of the transition. */
  readonly count: number;
}

export type SuccessorsState = readonly [
  from: string,
  seen: readonly [number, number, number],
  next: readonly (readonly [to: string, short: number, long: number, at: number, delay: number])[],
][];

/** Successors kept a row: enough for real branching, few enough to bound memory. */
const ROW_WIDTH = 16;
/** Weight of one more observation in the mean delay. */
const DELAY_SMOOTHING = 0.2;
/** Evidence below this is noise of long ago. */
const FORGET_BELOW = 0.01;
/** What an unseen rest of the row weighs: keeps two sightings from looking like certainty. */
const PRIOR_WEIGHT = 1;

/**
 * What follows what: decayed transition counts from a key to shards, each row a bounded Space-Saving summary
 * (Metwally 2005): a newcomer takes the weakest's place and inherits its count as an upper bound. Rows are bounded
 * too; the least recently touched goes first.
 */
export class Successors {
  readonly #maxRows: number;
  readonly #rows = new Map<string, Row>();

  constructor(maxRows: number) {
    this.#maxRows = maxRows;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Counts `amount` occurrences of `from`. O(1). */
  see(from: string, amount: number, time: number): void {
    add(this.#touch(from, time).seen, amount, time);
  }

  /** Counts `amount` transitions `from` → `to`. O(row width) when the row is full. */
  link(from: string, to: string, amount: number, delay: number, time: number): void {
    const { next } = this.#touch(from, time);
    let successor = next.get(to);
    if (successor === undefined) {
      successor = { ...this.#newcomer(next, time), delay };
      next.set(to, successor);
    }
    add(successor, amount, time);
    successor.delay += (delay - successor.delay) * DELAY_SMOOTHING;
  }

  /** What follows `from`, the likeliest first. O(row width). */
  after(from: string, time: number): readonly Transition[] {
    const row = this.#rows.get(from);
    if (row === undefined) return [];
    const seen = valuesAt(row.seen, time);
    return [...row.next]
      .map(([to, successor]) => {
        const { short, long } = valuesAt(successor, time);
        const longTerm = long / (seen.long + PRIOR_WEIGHT);
        const shortTerm = short / (seen.short + PRIOR_WEIGHT);
        // The short term speaks as loudly as it has evidence of its own.
        const weight = seen.short / (seen.short + 4);
        const probability = Math.min(1, weight * shortTerm + (1 - weight) * longTerm);
        return { to, probability, delay: successor.delay, count: long };
      })
      .sort((a, b) => b.probability - a.probability);
  }

  clear(): void {
    this.#rows.clear();
  }

  /** All keys with a row, the least recently touched first. */
  keys(): IterableIterator<string> {
    return this.#rows.keys();
  }

  toState(): SuccessorsState {
    return [...this.#rows].map(([from, { seen, next }]) => [
      from,
      [seen.short, seen.long, seen.at],
      [...next].map(([to, s]) => [to, s.short, s.long, s.at, s.delay] as const),
    ]);
  }

  static fromState(state: SuccessorsState, maxRows: number): Successors {
    const successors = new Successors(maxRows);
    for (const [from, [short, long, at], next] of state) {
      const row: Row = { seen: { short, long, at }, next: new Map() };
      for (const [to, toShort, toLong, toAt, delay] of next)
        row.next.set(to, { short: toShort, long: toLong, at: toAt, delay });
      successors.#rows.set(from, row);
    }
    return successors;
  }

  #touch(from: string, time: number): Row {
    let row = this.#rows.get(from);
    if (row !== undefined) this.#rows.delete(from);
    else row = { seen: newCount(time), next: new Map() };
    this.#rows.set(from, row);
    if (this.#rows.size > this.#maxRows) {
      const [oldest] = this.#rows.keys();
      if (oldest !== undefined) this.#rows.delete(oldest);
    }
    return row;
  }

  #newcomer(next: Map<string, Successor>, time: number): DecayedCount {
    if (next.size < ROW_WIDTH) return newCount(time);
    let weakest = "";
    let least = Number.POSITIVE_INFINITY;
    for (const [to, successor] of next) {
      const { long } = valuesAt(successor, time);
      if (long < least) [weakest, least] = [to, long];
    }
    next.delete(weakest);
    const count = newCount(time);
    if (least > FORGET_BELOW) count.long = least;
    return count;
  }
}
