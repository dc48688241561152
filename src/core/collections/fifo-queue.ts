/** A bounded first-in, first-out queue; what does not fit is dropped and counted. All operations O(1) amortised. */
export class FifoQueue<T> {
  readonly #limit: number;
  #items: T[] = [];
  #head = 0;
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** How many items were refused since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Appends `item`; false when the queue is full. */
  push(item: T): boolean {
    if (this.length >= this.#limit) {
      this.#dropped++;
      return false;
    }
    this.#items.push(item);
    return true;
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head < this.#items.length) this.#head++;
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
