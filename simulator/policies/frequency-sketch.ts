/** Chance that an id never added counts as added, once as many ids as provided for have been. */
const FALSE_POSITIVES = 0.001;
/** Counters per id, and counters an id raises, that reach that chance with the least memory [1]. */
const COUNTERS_PER_ID = -Math.log(FALSE_POSITIVES) / Math.LN2 ** 2;
const COUNTERS_RAISED = Math.ceil(COUNTERS_PER_ID * Math.LN2);
const HIGHEST_COUNT = 0xffff;

/**
 * Counts how often ids came up, in fixed memory: an estimate is never too low, but ids beyond those provided for
 * blur it. A counting Bloom filter [1] addressed by double hashing [2].
 *
 * Every operation is O(length of the id) and allocates nothing; `halve` is O(counters).
 *
 * [1] Fan et al., "Summary cache: a scalable wide-area web cache sharing protocol", SIGCOMM 1998.
 * [2] Kirsch & Mitzenmacher, "Less hashing, same performance", ESA 2006.
 */
export class FrequencySketch {
  readonly #counters: Uint16Array;

  /** `ids` is how many ids to provide for. */
  constructor(ids: number) {
    const counters = Math.max(2 * COUNTERS_RAISED, Math.ceil(ids * COUNTERS_PER_ID));
    this.#counters = new Uint16Array(counters);
  }

  /** Counts `id` once more. */
  add(id: string): void {
    let position = hashOf(id, FIRST_BASIS);
    const step = hashOf(id, SECOND_BASIS);
    for (let raised = 0; raised < COUNTERS_RAISED; raised++) {
      const at = position % this.#counters.length;
      this.#counters[at] = Math.min(HIGHEST_COUNT, (this.#counters[at] ?? 0) + 1);
      position = (position + step) >>> 0;
    }
  }

  /** About how often `id` was added; never less, until counts are halved. */
  estimate(id: string): number {
    let position = hashOf(id, FIRST_BASIS);
    const step = hashOf(id, SECOND_BASIS);
    let lowest = HIGHEST_COUNT;
    for (let raised = 0; raised < COUNTERS_RAISED; raised++) {
      lowest = Math.min(lowest, this.#counters[position % this.#counters.length] ?? 0);
      position = (position + step) >>> 0;
    }
    return lowest;
  }

  /** Halves every count, so that what was popular long ago gives way. */
  halve(): void {
    for (let at = 0; at < this.#counters.length; at++) this.#counters[at] = (this.#counters[at] ?? 0) >>> 1;
  }
}

/** FNV-1a's offset basis, and another that starts an independent hash. */
const FIRST_BASIS = 0x811c9dc5;
const SECOND_BASIS = 0x9747b28c;

/** 32-bit FNV-1a over UTF-16 code units, its bits mixed well enough to be reduced by any modulus. */
const hashOf = (id: string, basis: number): number => {
  let hash = basis;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};
