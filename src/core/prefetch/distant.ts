import { SECOND } from "../units.ts";
import type { Prefetch } from "./prefetch.ts";

/**
 * What is due later than this, ms, is far beyond the horizon that probabilities are of: there the relation alone counts,
 * and the prefetch is put off and considered again when its time has come.
 */
export const DISTANT = 30 * SECOND;
/** How much before its arrival a prefetch that was put off should be considered again, ms. */
export const LEAD = 5 * SECOND;

/** Whether a prefetch is to be put off. */
export const isDistant = ({ arrival }: Prefetch, now: number): boolean => arrival > now + DISTANT;
