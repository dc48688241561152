/** The numerical recipes' linear congruential generator: the same events on every machine. */
const MULTIPLIER = 1_664_525;
const INCREMENT = 1_013_904_223;
const RANGE = 2 ** 32;

/** Users who read by turns; when one leaves, another comes. */
const READING = 64;
/** How often a user leaves after a read: they make about twenty. */
const LEAVES = 0.05;
/** How often a user reads on from where they are instead of going elsewhere. */
const READS_ON = 0.6;
/** Time between two events: a thousand a second, about what one partition serves. */
const MILLIS_BETWEEN = 1;

/** One made-up event. */
export interface SyntheticEvent {
  readonly time: number;
  readonly user: string;
  readonly object: string;
}

/**
 * Events of a made-up population: most reads go on to the next tile of a series, the others to a popular tile more
 * often than to an unpopular one. The same for the same number of objects. Ids are made anew for each event, as
 * they are when they come off a wire, so that whoever keeps one pays for it.
 */
export class SyntheticEvents {
  readonly #objects: number;
  readonly #at = new Uint32Array(READING);
  readonly #users = Array.from({ length: READING }, (_, user) => user);
  #arrived = READING;
  #state = 1;
  #count = 0;

  constructor(objects: number) {
    this.#objects = objects;
  }

  next(): SyntheticEvent {
    const seat = Math.floor(READING * this.#random());
    if (this.#random() < LEAVES) this.#users[seat] = this.#arrived++;
    const readsOn = this.#random() < READS_ON;
    const position = readsOn ? (this.#at[seat] ?? 0) + 1 : this.#popular();
    const tile = position % this.#objects;
    this.#at[seat] = tile;
    this.#count += 1;
    return {
      time: this.#count * MILLIS_BETWEEN,
      user: `user-${this.#users[seat]}`,
      object: `tiles/${tile >> 10}/${tile & 1023}`,
    };
  }

  /** The cube makes half the draws fall on an eighth of the tiles. */
  #popular(): number {
    return Math.floor(this.#objects * this.#random() ** 3);
  }

  #random(): number {
    this.#state = (Math.imul(this.#state, MULTIPLIER) + INCREMENT) >>> 0;
    return this.#state / RANGE;
  }
}
