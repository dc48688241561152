import type { CacheDynamics, CacheDynamicsState } from "../cache/cache-dynamics.ts";
import type { LearnedCache } from "../cache/learned.ts";
import type { ReuseLearner } from "../cache/reuse-learner.ts";
import type { MixerState } from "../learning/binned-mixer.ts";
import type { Predictor } from "../prediction/predictor.ts";
import type { PredictorMind } from "../prediction/predictor-mind.ts";
import type { PrefetchPricing, PrefetchRecords } from "../prefetch/prefetch-pricing.ts";

/**
 * Bytes of a mind's rows, users and the shards they name; the tuning is some 85 KiB more, however little was learned. One row
 * of storage, and few enough that whoever wakes with it has it in some milliseconds.
 */
const LIMIT = 160 * 1_024;

/**
 * What an engine knows that is worth keeping: whoever takes it in, a later instance or a sibling, predicts as it did.
 * Contexts are hashes, targets are numbers of one list of texts, times in events are ages, users are hashes.
 */
export interface EngineMind {
  readonly predictor: PredictorMind;
  readonly reuse: MixerState;
  readonly pace: CacheDynamicsState;
  readonly victimWorth: number;
  readonly records: PrefetchRecords;
}

/** The learners an engine consists of. */
export interface Learners {
  readonly predictor: Predictor;
  readonly reuse: ReuseLearner;
  readonly pace: CacheDynamics;
  readonly cache: LearnedCache;
  readonly pricing: PrefetchPricing;
}

/** O(model). */
export const saveMind = ({ predictor, reuse, pace, cache, pricing }: Learners, tick: number): EngineMind => ({
  predictor: predictor.save(tick, LIMIT),
  reuse: reuse.mixer.toState(),
  pace: pace.toState(),
  victimWorth: cache.victimWorth,
  records: pricing.toState(),
});

/**
 * Takes a mind in; rows that are stronger here stay, and tuning that learned from more. Throws a RangeError, with nothing
 * changed, when it is of learners of other sizes. O(mind).
 */
export function absorbMind(learners: Learners, mind: EngineMind, tick: number): void {
  const { predictor, reuse, pace, cache, pricing } = learners;
  if (!predictor.fits(mind.predictor) || !reuse.mixer.fits(mind.reuse))
    throw new RangeError("this mind is of learners of other sizes");
  const { labels } = mind.predictor.mixture.wanted;
  const isWiser = labels.reduce((sum, n) => sum + n, 0) > predictor.experience;
  predictor.absorb(mind.predictor, tick, isWiser);
  if (!isWiser) return;
  reuse.mixer.restore(mind.reuse);
  pace.restore(mind.pace);
  cache.victimWorth = mind.victimWorth;
  pricing.restore(mind.records);
}
