/** Evidence about one successor at three ranges: how often the key occurred, and how often this followed. */
export interface Evidence {
  longSeen: number;
  long: number;
  shortSeen: number;
  short: number;
  recentSeen: number;
  recent: number;
}

/** Occurrences that an unknown rest weighs: two sightings are no certainty (ALGORITHMS §2). */
const PRIOR = 3;
/** Occurrences the long term weighs against the short term's own... */
const LONG_TERM_WORTH = 8;
/** ...and when the pattern has changed, so that the short term speaks louder. */
const LONG_TERM_WORTH_CHANGED = 1;
/** Occurrences that short and long term weigh against the latest, once these are known to differ. */
const OLD_WORTH = 1;
/** Fewer latest occurrences than this prove nothing. */
const MIN_RECENT = 5;

/** A G² that chance reaches once in 10⁵ tests: every row is tested again and again, and there are thousands. */
export const DRIFT_G2 = 20;

const share = (part: number, whole: number): number =>
  part > 0 ? Math.min(1, part / Math.max(whole, part)) : 0;

/**
 * How far the latest occurrences are from the long term: G² = 2·n·KL(latest ‖ long term) of "followed or not".
 * Depends on counts alone, so it is the same in whatever order reports came. O(1).
 */
export function driftOf({ longSeen, long, recentSeen, recent }: Evidence): number {
  if (recentSeen < MIN_RECENT) return 0;
  const seen = Math.max(longSeen, long);
  const before = (long + 0.5) / (seen + 1);
  const now = share(recent, recentSeen);
  const part = (p: number, q: number): number => (p > 0 ? p * Math.log(p / q) : 0);
  return Math.max(0, 2 * recentSeen * (part(now, before) + part(1 - now, 1 - before)));
}

/**
 * Probability that the successor follows. The long term is the prior of the short term, and both are the prior of the
 * latest occurrences where these have drifted away (`drifted`). Decays to nothing with its evidence. O(1).
 */
export function blend(evidence: Evidence, drifted: boolean, shortTermLouder: boolean): number {
  const { longSeen, long, shortSeen, short, recentSeen, recent } = evidence;
  const longTerm = long / (Math.max(longSeen, long) + PRIOR);
  const worth = drifted || shortTermLouder ? LONG_TERM_WORTH_CHANGED : LONG_TERM_WORTH;
  const shortTerm = (short + worth * longTerm) / (Math.max(shortSeen, short) + worth);
  if (!drifted) return shortTerm;
  return (recent + OLD_WORTH * shortTerm) / (Math.max(recentSeen, recent) + OLD_WORTH);
}
