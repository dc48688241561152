import { HOUR } from "../units.ts";
import { SEASON_TERM } from "./decay.ts";

export const HOURS_OF_WEEK = 168;
const WEEK = HOURS_OF_WEEK * HOUR;

/** The hour of the week of a time, 0 … 167, counted in UTC from Thursday 00:00, as the epoch was one. */
export const hourOfWeek = (time: number): number => Math.floor(time / HOUR) % HOURS_OF_WEEK;

/**
 * How many times an hour of the week has come round between `first` and `now`, each decayed to now like the counts
 * themselves; the hour under way counts by the part that is over. What a seasonal count is divided by. O(weeks), at
 * most some dozens, since older ones weigh nothing.
 */
function occurrences(hour: number, first: number, now: number): number {
  const thisWeek = Math.floor(now / WEEK) * WEEK + hour * HOUR;
  let sum = 0;
  for (let week = 0; week < 52; week++) {
    const start = thisWeek - week * WEEK;
    const end = Math.min(start + HOUR, now);
    const begin = Math.max(start, first);
    if (start + HOUR <= first) break;
    if (end > begin) sum += ((end - begin) / HOUR) * Math.exp((begin - now) / SEASON_TERM);
  }
  return sum;
}

/** Decayed weeks that must have been seen before an hour of the week is known: the last two. */
const MIN_WEEKS = 1.2;

/**
 * Events that an hour of the week usually brings, from their decayed `count`; null before it was seen often enough.
 * O(weeks).
 */
export function perHour(count: number, hour: number, first: number, now: number): number | null {
  const weeks = occurrences(hour, first, now);
  return weeks < MIN_WEEKS ? null : count / weeks;
}
