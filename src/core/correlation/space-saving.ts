/** A counted key. Its true count lies between `count − error` and `count`. */
export interface Counted<Key> {
  readonly key: Key;
  readonly count: number;
  readonly error: number;
}

/**
 * The most frequent keys of a stream in bounded room (Space-Saving: Metwally, Agrawal, El Abbadi, "Efficient computation
 * of frequent and top-k elements in data streams", 2005). Of n additions into m places, every key with more than n/m is
 * there, and no count is too high by more than n/m. Adding is O(log m) by an indexed heap.
 */
export class SpaceSaving<Key extends string | number> {
  readonly #capacity: number;
  readonly #places = new Map<Key, number>();
  readonly #keys: Key[] = [];
  readonly #counts: number[] = [];
  readonly #errors: number[] = [];

  /** @param capacity number of keys kept, at least 1. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** Counts `key` `n` times. Returns the key that lost its place to it, if one did. */
  add(key: Key, n = 1): Key | undefined {
    const place = this.#places.get(key);
    if (place !== undefined) {
      this.#counts[place] = (this.#counts[place] as number) + n;
      this.#sink(place);
      return undefined;
    }
    if (this.#keys.length < this.#capacity) {
      this.#put(this.#keys.length, key, n, 0);
      this.#rise(this.#keys.length - 1);
      return undefined;
    }
    const displaced = this.#keys[0] as Key;
    const least = this.#counts[0] as number;
    this.#places.delete(displaced);
    this.#put(0, key, least + n, least);
    this.#sink(0);
    return displaced;
  }

  /** The keys, most frequent first; ties by key, so that the order is always the same. O(m log m). */
  top(): readonly Counted<Key>[] {
    return this.#keys
      .map((key, i) => ({ key, count: this.#counts[i] as number, error: this.#errors[i] as number }))
      .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
  }

  clear(): void {
    this.#places.clear();
    this.#keys.length = this.#counts.length = this.#errors.length = 0;
  }

  toState(): readonly Counted<Key>[] {
    return this.top();
  }

  static fromState<Key extends string | number>(
    capacity: number,
    state: readonly Counted<Key>[],
  ): SpaceSaving<Key> {
    const summary = new SpaceSaving<Key>(capacity);
    for (const { key, count, error } of state.slice(0, capacity)) {
      summary.#put(summary.#keys.length, key, count, error);
      summary.#rise(summary.#keys.length - 1);
    }
    return summary;
  }

  #put(place: number, key: Key, count: number, error: number): void {
    this.#keys[place] = key;
    this.#counts[place] = count;
    this.#errors[place] = error;
    this.#places.set(key, place);
  }

  #rise(from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if ((this.#counts[parent] as number) <= (this.#counts[place] as number)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  #sink(from: number): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= this.#keys.length) return;
      const right = left + 1;
      const least =
        right < this.#keys.length && (this.#counts[right] as number) < (this.#counts[left] as number)
          ? right
          : left;
      if ((this.#counts[place] as number) <= (this.#counts[least] as number)) return;
      this.#swap(place, least);
      place = least;
    }
  }

  #swap(a: number, b: number): void {
    const [key, count, error] = [this.#keys[a] as Key, this.#counts[a] as number, this.#errors[a] as number];
    this.#put(a, this.#keys[b] as Key, this.#counts[b] as number, this.#errors[b] as number);
    this.#put(b, key, count, error);
  }
}
