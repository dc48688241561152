import { NUMBER_EXPERTS } from "./number-templates.ts";
import { SUCCESSOR_EXPERTS } from "./successors.ts";

/** The experts, in the order of their inputs. The last says nothing of what follows, but of the shard itself. */
export const EXPERTS = [
  "order1",
  "order2",
  "order3",
  "window",
  "step",
  "chain",
  "suffix",
  "recency",
] as const;

/** Who thought most of a prediction: one of the experts, or others' knowledge. */
export type Expert = (typeof EXPERTS)[number] | "map";

/** Inputs of the mixtures, one of each expert. */
export const INPUTS = EXPERTS.length;
/** Where the inputs of the templates begin, after those of the successors. */
export const FIRST_NUMBER_EXPERT = SUCCESSOR_EXPERTS;
export const SUFFIX_EXPERT = FIRST_NUMBER_EXPERT + NUMBER_EXPERTS;
/** Experts that name candidates: all but the last. */
export const NAMING_EXPERTS = SUFFIX_EXPERT + 1;
