import { announcedSurges } from "./announced-surges.ts";
import type { ChainCheck } from "./check.ts";
import { toldPatterns } from "./told-patterns.ts";
import { trueProbabilities } from "./true-probabilities.ts";

/** All that `verify:chain` shows, in the order of the chain. */
export const CHAIN_CHECKS: readonly ChainCheck[] = [trueProbabilities, toldPatterns, announcedSurges];
