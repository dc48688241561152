import { MINUTE, SECOND } from "../../src/core/units.ts";

/** News is saved when there was none for this long: well before an idle object leaves memory, ten seconds after its last. */
const QUIET = 5 * SECOND;
/** While there is news all the time, it is saved as often. */
const EVERY = 20 * SECOND;
/** Saves a minute at most: each is a row written. */
const MOST_A_MINUTE = 4;

/** When what was learned is to be saved: soon after things have gone quiet, now and then before. O(1); times in ms. */
export class SaveSchedule {
  #hasNews = false;
  #newsAt = 0;
  /** Of the latest saves, oldest first. */
  #saves: readonly number[] = [];

  /** Something was learned. */
  note(now: number): void {
    this.#hasNews = true;
    this.#newsAt = now;
  }

  /** It was saved, all of it. */
  saved(now: number): void {
    this.#hasNews = false;
    this.#saves = [...this.#saves, now].slice(-MOST_A_MINUTE);
  }

  /** Time until it is to be saved, 0 when that is now; null when there is nothing to save. */
  wait(now: number): number | null {
    if (!this.#hasNews) return null;
    const last = this.#saves.at(-1) ?? Number.NEGATIVE_INFINITY;
    const [oldest] = this.#saves;
    const isMost = this.#saves.length === MOST_A_MINUTE;
    const allowed = isMost && oldest !== undefined ? oldest + MINUTE : Number.NEGATIVE_INFINITY;
    return Math.max(0, Math.max(allowed, Math.min(this.#newsAt + QUIET, last + EVERY)) - now);
  }
}
