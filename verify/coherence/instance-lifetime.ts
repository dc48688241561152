import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import { CLOCK_TOLERANCE } from "../../src/core/coherence/lease.ts";
import type { Prng } from "./prng.ts";

/** A clock is set by running up to 0.05 % fast or slow: the swing of its error, ms, and radians a ms. */
const SWING = 250;
const PACE = 2e-6;

/** The object's memory went, and all that was under way in it. */
export class GoneError extends Error {
  override readonly name = "GoneError";
}

/** One life of an object: a machine with its own clock, until its memory goes. */
export class InstanceLifetime {
  readonly #time: VirtualTime;
  readonly #offset: number;
  readonly #phase: number;
  readonly #onEnd = new Set<(error: GoneError) => void>();
  #isOver = false;

  constructor(time: VirtualTime, dice: Prng) {
    this.#time = time;
    const most = CLOCK_TOLERANCE / 2 - SWING;
    this.#offset = dice.between(-most, most);
    this.#phase = dice.between(0, 2 * Math.PI);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whole ms since the epoch, as this machine sees it. */
  readonly now = (): number => {
    const error = this.#offset + SWING * Math.sin(this.#time.now * PACE + this.#phase);
    return Math.floor(this.#time.now + error);
  };

  /** The outcome of work done in this life; rejects with {@link GoneError} when the life ends before. */
  within<T>(work: Promise<T>): Promise<T> {
    if (this.#isOver) return Promise.reject(new GoneError("gone before"));
    return new Promise((resolve, reject) => {
      this.#onEnd.add(reject);
      work.then(resolve, reject).finally(() => this.#onEnd.delete(reject));
    });
  }

  end(): void {
    this.#isOver = true;
    for (const reject of this.#onEnd) reject(new GoneError("memory was lost"));
    this.#onEnd.clear();
  }
}
