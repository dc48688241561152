import type { CacheDynamics, CacheDynamicsState } from "../cache/cache-dynamics.ts";
import type { ReuseLearner } from "../cache/reuse-learner.ts";
import type { MixerState } from "../learning/binned-mixer.ts";
import type { ShardTable, ShardTableState } from "../learning/shard-table.ts";
import type { Predictor, PredictorState } from "../prediction/predictor.ts";

/** Everything an engine has learned, as plain data and typed arrays. */
export interface EngineState {
  readonly tick: number;
  readonly shards: ShardTableState;
  readonly predictor: PredictorState;
  readonly reuse: MixerState;
  readonly pace: CacheDynamicsState;
}

/** The learners an engine consists of. */
export interface Learners {
  readonly shards: ShardTable;
  readonly predictor: Predictor;
  readonly reuse: ReuseLearner;
  readonly pace: CacheDynamics;
}

/** O(model). */
export const saveEngine = (learners: Learners, tick: number): EngineState => ({
  tick,
  shards: learners.shards.toState(),
  predictor: learners.predictor.toState(),
  reuse: learners.reuse.mixer.toState(),
  pace: learners.pace.toState(),
});

/** Fills new learners. Throws a RangeError when the state is of learners of other sizes. O(model). */
export function restoreEngine(learners: Learners, state: EngineState): void {
  learners.shards.restore(state.shards);
  learners.predictor.restore(state.predictor);
  learners.reuse.mixer.restore(state.reuse);
  learners.pace.restore(state.pace);
}
