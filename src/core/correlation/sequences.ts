/** Reports may overtake each other by this many; a gap older than that counts as lost. */
const WINDOW = 1_024;

/** Which reports of a partition were applied. */
export interface SequenceState {
  readonly partition: string;
  readonly floor: number;
  readonly seen: readonly number[];
}

/**
 * Lets each (partition, sequence) pass once, in whatever order they come: all up to a floor were seen or are lost,
 * above it the seen ones are remembered. O(1) amortised; bounded by partitions × {@link WINDOW}.
 */
export class Sequences {
  readonly #partitions = new Map<string, { floor: number; seen: Set<number> }>();

  /** True the first time it is asked about this report; false for a duplicate or one given up for lost. */
  admit(partition: string, sequence: number): boolean {
    const state = this.#partitions.get(partition) ?? { floor: 0, seen: new Set<number>() };
    this.#partitions.set(partition, state);
    if (sequence <= state.floor || state.seen.has(sequence)) return false;
    state.seen.add(sequence);
    while (state.seen.delete(state.floor + 1)) state.floor++;
    while (state.seen.size > WINDOW) raise(state);
    return true;
  }

  /** Reports of the partition that came after one that is still missing. */
  gaps(partition: string): number {
    return this.#partitions.get(partition)?.seen.size ?? 0;
  }

  /** Forgets a partition that is gone for good. */
  forget(partition: string): void {
    this.#partitions.delete(partition);
  }

  toState(): readonly SequenceState[] {
    return [...this.#partitions].map(([partition, { floor, seen }]) => ({
      partition,
      floor,
      seen: [...seen].sort((a, b) => a - b),
    }));
  }

  static fromState(state: readonly SequenceState[]): Sequences {
    const sequences = new Sequences();
    for (const { partition, floor, seen } of state)
      sequences.#partitions.set(partition, { floor, seen: new Set(seen) });
    return sequences;
  }
}

/** Gives up the oldest gap. */
function raise(state: { floor: number; seen: Set<number> }): void {
  state.floor = Math.min(...state.seen);
  while (state.seen.delete(state.floor)) state.floor++;
  state.floor--;
}
