import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import type { Prng } from "./prng.ts";

/** Usual time of one way between two objects, ms. */
const WAY = 25;
/** How long a caller of something unreachable may have to wait until it is told, ms. */
const MAX_SILENCE = 8_000;

/** A call did not arrive, or its answer did not. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** The way to one object: calls take time there and back, and are lost while it is cut. */
export class NetworkLink {
  cutUntil = 0;
  readonly #time: VirtualTime;
  readonly #dice: Prng;

  constructor(time: VirtualTime, dice: Prng) {
    this.#time = time;
    this.#dice = dice;
  }

  async call<T>(work: () => T | Promise<T>): Promise<T> {
    await this.#oneWay();
    const result = await work();
    await this.#oneWay();
    return result;
  }

  async #oneWay(): Promise<void> {
    await this.#time.sleep(this.#dice.around(WAY));
    if (this.#time.now >= this.cutUntil) return;
    if (this.#dice.chance(0.3)) await this.#time.sleep(this.#dice.between(0, MAX_SILENCE));
    throw new UnreachableError("nobody answers");
  }
}
