import { SeededRandom } from "../../src/core/random.ts";

/** Bound of one draw; what {@link SeededRandom.below} allows. */
const FINE = 1_048_576;
/** Exponential draws are cut here, so that no single delay stops the world. */
const LONGEST = 12;

/** Seeded choices. */
export class Prng {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(Math.imul(seed + 1, 0x9e3779b1));
    // The first draws of neighbouring seeds resemble one another.
    for (let i = 0; i < 32; i++) this.#random.next();
  }

  /** A number in [0, 1). */
  share(): number {
    return this.#random.below(FINE) / FINE;
  }

  chance(probability: number): boolean {
    return this.share() < probability;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.share();
  }

  /** Exponentially distributed around `mean`: mostly short, at times long. */
  around(mean: number): number {
    return Math.min(LONGEST, -Math.log(1 - this.share())) * mean;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.share() * items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** Picks by weight. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries(weights) as [Name, number][];
    let left = this.share() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return this.pick(entries)[0];
  }

  /** Independent dice, so that one part of the world drawing more does not change the others' luck. */
  fork(): Prng {
    return new Prng(this.#random.next());
  }
}
