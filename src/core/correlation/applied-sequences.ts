import { BoundedMap } from "../collections/bounded-map.ts";

export type AppliedState = readonly (readonly [source: string, next: number, above: readonly number[]])[];

/** Senders remembered; the longest silent is forgotten first, and its late duplicates would then count again. */
const MAX_SOURCES = 4_096;
/** Gaps waited for, a sender. Beyond it the oldest gap is taken for lost. */
const MAX_ABOVE = 256;

interface Applied {
  /** All sequence numbers below this are applied or given up. */
  next: number;
  readonly above: Set<number>;
}

/** Remembers which sequence numbers of each sender were applied: at-least-once and out-of-order in, once out. */
export class AppliedSequences {
  readonly #sources = new BoundedMap<string, Applied>(MAX_SOURCES);

  /** True when this number is new and is to be applied now. O(1) amortised. */
  claim(source: string, sequence: number): boolean {
    const applied = this.#touch(source);
    if (sequence < applied.next || applied.above.has(sequence)) return false;
    applied.above.add(sequence);
    if (applied.above.size > MAX_ABOVE) applied.next = Math.min(...applied.above);
    while (applied.above.delete(applied.next)) applied.next++;
    return true;
  }

  toState(): AppliedState {
    return [...this.#sources].map(([source, { next, above }]) => [source, next, [...above]] as const);
  }

  static fromState(state: AppliedState): AppliedSequences {
    const sequences = new AppliedSequences();
    for (const [source, next, above] of state)
      sequences.#sources.set(source, { next, above: new Set(above) });
    return sequences;
  }

  #touch(source: string): Applied {
    const applied = this.#sources.get(source) ?? { next: 0, above: new Set<number>() };
    this.#sources.set(source, applied);
    return applied;
  }
}
