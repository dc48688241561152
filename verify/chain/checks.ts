import type { ChainCheck } from "./check.ts";
import { HOT_SHARDS, WRITES_ELSEWHERE } from "./log.ts";
import { MIND, WORKING_SET_FROM_DISK } from "./mind.ts";
import { TYPES } from "./types.ts";

/** All that `verify:chain` shows, in the order of the chain. */
export const CHAIN_CHECKS: readonly ChainCheck[] = [
  TYPES,
  MIND,
  WORKING_SET_FROM_DISK,
  HOT_SHARDS,
  WRITES_ELSEWHERE,
];
