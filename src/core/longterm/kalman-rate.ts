/**
 * A level that is seen through noise: a local-level Kalman filter on log1p(events per tick). `surprise` smooths the
 * normalised innovation ν²/S, which is 1 on average while the model holds.
 */
export interface RateState {
  readonly level: number;
  readonly variance: number;
  readonly surprise: number;
}

/** How much a level drifts from tick to tick, while nothing special happens... */
const DRIFT = 0.003;
/** ...and while it has changed significantly: the filter forgets what was and follows. */
const DRIFT_CHANGED = 0.3;
/** Noise beyond a Poisson count's own: users come in visits. */
const EXTRA_NOISE = 0.08;
/** Smoothing of the surprise: three ticks must agree, or one must be absurd. */
const SURPRISE_RATE = 0.3;
/** One absurd tick must not keep the alarm up for long. */
const MAX_SURPRISE = 30;
/** Above this the pattern has changed significantly. */
export const CHANGED_ABOVE = 3;

export const hasChanged = (state: RateState): boolean => state.surprise > CHANGED_ABOVE;

/** Variance of log(1 + n) for a Poisson count n about `level`, and what visits add. */
const noiseAt = (level: number): number => EXTRA_NOISE + 1 / (2 + Math.expm1(Math.max(0, level)));

/** The filter after its first tick with events: that is the level, as far as one tick can tell. */
export function firstRate(count: number): RateState {
  const level = Math.log1p(count);
  return { level, variance: noiseAt(level), surprise: 1 };
}

/** One tick with `count` events: P←P+Q; K=P/(P+R); x←x+K(y−x); P←(1−K)P. Pure, O(1). */
export function stepRate(state: RateState, count: number): RateState {
  const predicted = state.variance + (hasChanged(state) ? DRIFT_CHANGED : DRIFT);
  const spread = predicted + noiseAt(state.level);
  const innovation = Math.log1p(count) - state.level;
  const gain = predicted / spread;
  const surprise = Math.min(MAX_SURPRISE, innovation ** 2 / spread);
  return {
    level: state.level + gain * innovation,
    variance: (1 - gain) * predicted,
    surprise: state.surprise + SURPRISE_RATE * (surprise - state.surprise),
  };
}

/** Events per tick that the level stands for. */
export const eventsPerTick = (state: RateState): number => Math.max(0, Math.expm1(state.level));
