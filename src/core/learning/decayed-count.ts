import { DAY, MINUTE } from "../units.ts";

/**
 * A count that fades, kept at two speeds: n ← n·e^(−Δt/τ) + 1 (exponential smoothing). The short term follows what
 * is going on now; the long term remembers last week.
 */
export interface DecayedCount {
  short: number;
  long: number;
  /** When both were last brought up to date, ms since the epoch. */
  at: number;
}

export const SHORT_TERM = 5 * MINUTE;
export const LONG_TERM = 7 * DAY;

export const newCount = (at: number): DecayedCount => ({ short: 0, long: 0, at });

/** Adds `amount` as of `time`. An amount from the past is decayed to the count's time, so the order does not matter. */
export function add(count: DecayedCount, amount: number, time: number): void {
  if (time > count.at) {
    count.short *= Math.exp((count.at - time) / SHORT_TERM);
    count.long *= Math.exp((count.at - time) / LONG_TERM);
    count.at = time;
    count.short += amount;
    count.long += amount;
  } else {
    count.short += amount * Math.exp((time - count.at) / SHORT_TERM);
    count.long += amount * Math.exp((time - count.at) / LONG_TERM);
  }
}

/** The counts as of `time`, which is not before `count.at`. */
export function valuesAt(count: DecayedCount, time: number): { short: number; long: number } {
  const elapsed = Math.max(0, time - count.at);
  return {
    short: count.short * Math.exp(-elapsed / SHORT_TERM),
    long: count.long * Math.exp(-elapsed / LONG_TERM),
  };
}
