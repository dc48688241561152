import type { Clock } from "../../src/core/clock.ts";
import { CLOCK_TOLERANCE } from "../../src/core/coherence/lease.ts";
import type { Prng } from "./prng.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A clock is set by running up to 0.05 % fast or slow: the swing of its error, ms, and radians a ms. */
const SWING = 250;
const PACE = 2e-6;
/** No clock is further than this from the true time, ms: so that any two are within the tolerance. */
const MAX_OFFSET = CLOCK_TOLERANCE / 2 - SWING;

/** The object's memory went, and all that was under way in it. */
export class GoneError extends Error {
  override readonly name = "GoneError";
}

/** One lifetime of an object: a machine with its own clock, until its memory goes. */
export class InstanceLifetime {
  readonly #time: VirtualTime;
  readonly #phase: number;
  readonly #onEnd = new Set<(error: GoneError) => void>();
  #offset: number;
  #isOver = false;

  constructor(time: VirtualTime, prng: Prng) {
    this.#time = time;
    this.#offset = prng.between(-MAX_OFFSET, MAX_OFFSET);
    this.#phase = prng.between(0, 2 * Math.PI);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whole ms since the epoch, as this machine sees it. */
  readonly now = (): number => {
    const error = this.#offset + SWING * Math.sin(this.#time.now * PACE + this.#phase);
    return Math.floor(this.#time.now + error);
  };

  /** The machine's clock; what it was asked to call back later goes with the memory. */
  readonly clock: Clock = {
    now: this.now,
    after: (millis, callback) =>
      this.#time.after(millis, () => {
        if (!this.#isOver) callback();
      }),
  };

  /** The machine's clock is set, at once, by so many ms; it stays within the tolerance of all others. */
  stepClock(millis: number): void {
    this.#offset = Math.max(-MAX_OFFSET, Math.min(MAX_OFFSET, this.#offset + millis));
  }

  /**
   * The outcome of work done in this lifetime; rejects with {@link GoneError} when it ends before. What would begin after
   * its end does not.
   */
  within<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#isOver) return Promise.reject(new GoneError("gone before"));
    return new Promise((resolve, reject) => {
      this.#onEnd.add(reject);
      Promise.resolve()
        .then(work)
        .then(resolve, reject)
        .finally(() => this.#onEnd.delete(reject));
    });
  }

  end(): void {
    this.#isOver = true;
    for (const reject of this.#onEnd) reject(new GoneError("memory was lost"));
    this.#onEnd.clear();
  }
}
