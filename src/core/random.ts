/**
 * A small seeded generator (xorshift32, Marsaglia 2003): the same seed gives the same decisions, so that runs repeat
 * to the byte. Not for secrets. O(1).
 */
export class SeededRandom {
  #state: number;

  /** @param seed any integer; 0 is replaced, since xorshift would stay there. */
  constructor(seed: number) {
    this.#state = seed | 0 || 0x9e3779b9 | 0;
  }

  /** The next integer in [0, 2³¹). */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x & 0x7fffffff;
  }

  /** An integer in [0, bound), `bound` at most 2²⁰. */
  below(bound: number): number {
    return (((this.next() >>> 7) * bound) / 0x1000000) | 0;
  }
}
