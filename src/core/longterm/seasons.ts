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
export function occurrences(hour: number, first: number, now: number): number {
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

/** Hours that the mean weighs against what a single hour of the week was like: one week proves little. */
const MEAN_WORTH = 1;

/**
 * Multiplicative hour-of-week factors (as in Holt–Winters' seasonal method): events per hour in each hour of the
 * week, over the mean of the hours seen. 1 where nothing is known. O(168 × weeks).
 */
export function seasonFactors(counts: ArrayLike<number>, first: number, now: number): Float64Array {
  const seen = Float64Array.from({ length: HOURS_OF_WEEK }, (_, hour) => occurrences(hour, first, now));
  let events = 0;
  let hours = 0;
  for (let hour = 0; hour < HOURS_OF_WEEK; hour++) {
    events += counts[hour] as number;
    hours += seen[hour] as number;
  }
  const mean = hours > 0 ? events / hours : 0;
  return seen.map((times, hour) =>
    mean > 0 ? ((counts[hour] as number) / mean + MEAN_WORTH) / (times + MEAN_WORTH) : 1,
  );
}
