import type { Prng } from "../../simulator/platform/prng.ts";
import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";

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
  readonly #prng: Prng;

  constructor(time: VirtualTime, prng: Prng) {
    this.#time = time;
    this.#prng = prng;
  }

  async call<T>(work: () => T | Promise<T>): Promise<T> {
    await this.#oneWay();
    const result = await work();
    await this.#oneWay();
    return result;
  }

  async #oneWay(): Promise<void> {
    await this.#time.sleep(this.#prng.around(WAY));
    if (this.#time.now >= this.cutUntil) return;
    if (this.#prng.chance(0.3)) await this.#time.sleep(this.#prng.between(0, MAX_SILENCE));
    throw new UnreachableError("nobody answers");
  }
}
