import { announcedSurges } from "./announced-surges.ts";
import { ARRIVAL } from "./arrival.ts";
import type { ChainCheck } from "./check.ts";
import { HOT_SHARDS, WRITES_ELSEWHERE } from "./log.ts";
import { MIND, WORKING_SET_FROM_DISK } from "./mind.ts";
import { OWNERS } from "./owners.ts";
import { STRANGER } from "./stranger.ts";
import { toldPatterns } from "./told-patterns.ts";
import { trueProbabilities } from "./true-probabilities.ts";
import { TYPES } from "./types.ts";

/** All that `verify:chain` shows, in the order of the chain. */
export const CHAIN_CHECKS: readonly ChainCheck[] = [
  TYPES,
  trueProbabilities,
  toldPatterns,
  STRANGER,
  announcedSurges,
  ARRIVAL,
  OWNERS,
  MIND,
  WORKING_SET_FROM_DISK,
  HOT_SHARDS,
  WRITES_ELSEWHERE,
];
