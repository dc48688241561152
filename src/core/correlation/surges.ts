import { TICK } from "../reporting/report.ts";
import { MINUTE } from "../units.ts";
import type { EventRate, Onset } from "./event-rates.ts";

/** A cell of the matrix between surges: how often a surge of one type in a region was followed by one of another. */
export interface SurgeCell {
  readonly region: string;
  readonly type: string;
  readonly nextRegion: string;
  readonly next: string;
  /** Surges that had their time to be followed, and those that were. */
  readonly surges: number;
  readonly followed: number;
  readonly probability: number;
  /** After how long, ms: the median. */
  readonly delay: number;
  /** How far from it a follower may be, ms. */
  readonly tolerance: number;
  /** That chance alone would have brought as many. */
  readonly byChance: number;
  /** Mean events in the first minute of the surge that follows. */
  readonly events: number;
}

/** The longest a surge is taken to announce another. */
const MAX_LAG = 30 * MINUTE;
/** Surges that must have been followed before anything is made of it. */
const MIN_FOLLOWED = 3;
/** Delays this far from their median, as a share of it, are one delay; ticks blur those that are short. */
const TOLERANCE = 0.1;
const MIN_TOLERANCE = 2 * TICK;
/** Series compared, the most frequent: each with each. */
const MAX_SERIES = 128;
/** Of the cells that are believed, this share may be there by chance. */
const FALSE_DISCOVERIES = 0.1;

/**
 * The cells that are more than chance: with n types and regions there are n² pairs, and some agree by accident, so that
 * the more are tried the more each has to show (Benjamini & Hochberg 1995). A pure function of the surges remembered, so
 * that the order of reports does not matter. O(series² × surges), at most some ten million steps.
 */
export function surgeCells(rates: readonly EventRate[], observed: number, now: number): readonly SurgeCell[] {
  const surging = rates.filter(({ onsets }) => onsets.length >= MIN_FOLLOWED).slice(0, MAX_SERIES);
  const tried = surging.length * (surging.length - 1);
  const cells = surging
    .flatMap((first) => surging.flatMap((second) => cellOf(first, second, observed, now) ?? []))
    .sort((a, b) => a.byChance - b.byChance);
  const last = cells.findLastIndex(({ byChance }, i) => byChance <= (FALSE_DISCOVERIES * (i + 1)) / tried);
  return cells.slice(0, last + 1);
}

function cellOf(first: EventRate, second: EventRate, observed: number, now: number): SurgeCell | null {
  if (first === second) return null;
  const lags = first.onsets.map(({ time }) => lagAfter(time, second.onsets));
  const median = medianOf(lags.filter((lag) => lag !== null));
  if (median === null) return null;
  const tolerance = Math.max(MIN_TOLERANCE, TOLERANCE * median);
  const followers = first.onsets.flatMap(
    ({ time }) => second.onsets.find((onset) => Math.abs(onset.time - time - median) <= tolerance) ?? [],
  );
  const surges = first.onsets.filter(({ time }, i) => lags[i] !== null || now - time > MAX_LAG).length;
  const followed = Math.min(surges, followers.length);
  if (followed < MIN_FOLLOWED) return null;
  const chance = -Math.expm1((-second.onsets.length / Math.max(observed, 1)) * 2 * tolerance);
  return {
    region: first.region,
    type: first.type,
    nextRegion: second.region,
    next: second.type,
    surges,
    followed,
    // One surge that was not followed is thought of besides: a few say no certainty.
    probability: followed / (surges + 1),
    delay: median,
    tolerance,
    // One of them chose the delay, and proves nothing.
    byChance: atLeast(followed - 1, surges - 1, chance),
    events: followers.reduce((sum, { events }) => sum + events, 0) / followers.length,
  };
}

/** How long after `time` the next of these surges came; null when none did within the longest lag. */
function lagAfter(time: number, onsets: readonly Onset[]): number | null {
  const next = onsets.find((onset) => onset.time > time);
  return next === undefined || next.time - time > MAX_LAG ? null : next.time - time;
}

const medianOf = (values: readonly number[]): number | null =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? null;

/** That at least `hits` of `trials` succeed by chance: the binomial tail. O(trials). */
function atLeast(hits: number, trials: number, chance: number): number {
  let term = (1 - chance) ** trials;
  let below = 0;
  for (let i = 0; i < hits; i++) {
    below += term;
    term *= ((trials - i) / (i + 1)) * (chance / (1 - chance));
  }
  return Math.max(0, 1 - below);
}
