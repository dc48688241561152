import { DAY, type EpochMillis, MINUTE, type Millis, millis } from "../units.ts";

/** What happened lately: half of it is forgotten in some three and a half minutes. */
export const SHORT_TERM = millis(5 * MINUTE);
/** What usually happens: a week, so that every hour of the week has its say. */
export const LONG_TERM = millis(7 * DAY);

/** A count that fades: `value` as of `time`. */
export interface DecayedCount {
  value: number;
  time: EpochMillis;
}

/** Share of a count that is left after `elapsed`: e^(−elapsed/τ). Never above 1. O(1). */
export const remaining = (elapsed: number, timeConstant: Millis): number =>
  elapsed <= 0 ? 1 : Math.exp(-elapsed / timeConstant);

/**
 * Adds `n` that happened at `time`, whichever of both is later: addition after decay to a common time, so that the
 * order of additions does not matter. O(1).
 */
export function addDecayed(count: DecayedCount, n: number, time: EpochMillis, timeConstant: Millis): void {
  if (time >= count.time) {
    count.value = count.value * remaining(time - count.time, timeConstant) + n;
    count.time = time;
  } else {
    count.value += n * remaining(count.time - time, timeConstant);
  }
}

/** The count as of `now`. O(1). */
export const decayedAt = (count: DecayedCount, now: EpochMillis, timeConstant: Millis): number =>
  count.value * remaining(now - count.time, timeConstant);
