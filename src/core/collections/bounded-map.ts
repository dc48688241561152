/**
 * A map of at most `limit` entries in the order they were set last: setting makes an entry the newest, and what is one
 * too many is the oldest, which goes. A `limit` of 0 keeps nothing. All operations O(1).
 */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #limit: number;
  readonly #onDrop: (key: K, value: V) => void;

  /** @param onDrop hears of each entry that went because there was no room, after it went. */
  constructor(limit: number, onDrop: (key: K, value: V) => void = () => undefined) {
    super();
    this.#limit = limit;
    this.#onDrop = onDrop;
  }

  override set(key: K, value: V): this {
    super.delete(key);
    super.set(key, value);
    if (this.size > this.#limit) this.#dropOldest();
    return this;
  }

  #dropOldest(): void {
    for (const [key, value] of this) {
      super.delete(key);
      this.#onDrop(key, value);
      return;
    }
  }
}

/** A set of at most `limit` values in the order they were added last; the oldest goes first. All operations O(1). */
export class BoundedSet<T> extends Set<T> {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  override add(value: T): this {
    super.delete(value);
    super.add(value);
    if (this.size > this.#limit) super.delete(this.values().next().value as T);
    return this;
  }
}
