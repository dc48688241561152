import FlatQueue from "flatqueue";

/**
 * The heaviest keys of an endless stream in bounded memory: Space-Saving (Metwally, Agrawal and El Abbadi 2005). When
 * full, a newcomer takes the slot of the lightest key and inherits its count as a possible error: `count` is an upper
 * bound, `guaranteed` a lower one, and whoever weighs more than total ÷ capacity is in. Counts only grow, so a heap
 * whose priorities are refreshed when they come to the top finds the lightest in O(log n) amortised.
 */
export class SpaceSaving {
  readonly #capacity: number;
  readonly count: Float64Array;
  readonly error: Float64Array;
  readonly #keys: string[] = [];
  readonly #index = new Map<string, number>();
  readonly #onReplace: (slot: number) => void;
  #heap: FlatQueue<number> | undefined;

  /** @param onReplace hears of each slot that changes hands, to clear what else is kept by slot. */
  constructor(capacity: number, onReplace: (slot: number) => void = () => undefined) {
    this.#capacity = capacity;
    this.count = new Float64Array(capacity);
    this.error = new Float64Array(capacity);
    this.#onReplace = onReplace;
  }

  /** Slots in use: 0 … size−1. */
  get size(): number {
    return this.#keys.length;
  }

  /** The slot of `key`, or −1. */
  find(key: string): number {
    return this.#index.get(key) ?? -1;
  }

  keyOf(slot: number): string {
    return this.#keys[slot] as string;
  }

  /** Counts `amount` of `key` and returns its slot. */
  add(key: string, amount: number): number {
    const slot = this.#index.get(key) ?? this.#admit(key);
    this.count[slot] = (this.count[slot] as number) + amount;
    return slot;
  }

  /** What `slot` surely counted since its key came in. */
  guaranteed(slot: number): number {
    return (this.count[slot] as number) - (this.error[slot] as number);
  }

  /** Multiplies all counts. */
  rescale(factor: number): void {
    for (let slot = 0; slot < this.size; slot++) {
      this.count[slot] = (this.count[slot] as number) * factor;
      this.error[slot] = (this.error[slot] as number) * factor;
    }
    this.#heap = undefined;
  }

  /** Slots by count, the heaviest first. O(n log n). */
  ranked(): number[] {
    return Array.from(this.#keys.keys()).sort(
      (a, b) => (this.count[b] as number) - (this.count[a] as number),
    );
  }

  /** Puts a key back with its counts, while there is room; for restoring. */
  restore(key: string, count: number, error: number): number {
    const slot = this.add(key, count);
    this.error[slot] = error;
    return slot;
  }

  #admit(key: string): number {
    const slot = this.size < this.#capacity ? this.size : this.#evict();
    this.#keys[slot] = key;
    this.#index.set(key, slot);
    return slot;
  }

  #evict(): number {
    const slot = this.#lightest();
    this.#index.delete(this.keyOf(slot));
    this.error[slot] = this.count[slot] as number;
    this.#onReplace(slot);
    return slot;
  }

  #lightest(): number {
    const heap = this.#heap ?? this.#buildHeap();
    for (;;) {
      const slot = heap.peek() as number;
      const count = this.count[slot] as number;
      if (count <= (heap.peekValue() as number)) return slot;
      heap.pop();
      heap.push(slot, count);
    }
  }

  #buildHeap(): FlatQueue<number> {
    const heap = new FlatQueue<number>();
    for (let slot = 0; slot < this.size; slot++) heap.push(slot, this.count[slot] as number);
    this.#heap = heap;
    return heap;
  }
}
