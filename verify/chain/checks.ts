import type { ChainCheck } from "./check.ts";
import { HOT_SHARDS, WRITES_ELSEWHERE } from "./log.ts";

/** All that `verify:chain` shows, in the order of the chain. */
export const CHAIN_CHECKS: readonly ChainCheck[] = [HOT_SHARDS, WRITES_ELSEWHERE];
