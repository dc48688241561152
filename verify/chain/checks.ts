import type { ChainCheck } from "./check.ts";
import { logCheck } from "./log.ts";
import { typesCheck } from "./types.ts";

/** All that `verify:chain` shows, in the order of the chain. */
export const CHAIN_CHECKS: readonly ChainCheck[] = [typesCheck, logCheck];
