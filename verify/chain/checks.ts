import type { ChainCheck } from "./check.ts";
import { HOT_SHARDS, WRITES_ELSEWHERE } from "./log.ts";
import { OWNERS } from "./owners.ts";
import { TYPES } from "./types.ts";

/** All that `verify:chain` shows, in the order of the chain. */
export const CHAIN_CHECKS: readonly ChainCheck[] = [TYPES, OWNERS, HOT_SHARDS, WRITES_ELSEWHERE];
