import type { Prefetch } from "../queues/prefetch-queue.ts";
import { type EpochMillis, epochMillis, MINUTE, SECOND } from "../units.ts";
import type { Candidate } from "./known-map.ts";

/** What decides whether a candidate is worth a fetch. */
export interface PrefetchPolicy {
  readonly mode: "automatic" | "threshold" | "off";
  readonly threshold: number;
  /** Price of a prefetch as a share of what a hit saves. */
  readonly cost: number;
}

/** Beyond its price a prefetch pushes something else out; this is what that is assumed to be worth. */
const POLLUTION = 0.1;
/** The least time a prefetched copy is kept, whatever the expected delay. */
const LEAST_STAY = 30 * SECOND;
/** Delays beyond this are no longer "next". */
const LONGEST_STAY = 10 * MINUTE;

/** The prefetches worth their price. Pure. */
export function decide(
  candidates: readonly Candidate[],
  policy: PrefetchPolicy,
  now: EpochMillis,
): readonly Prefetch[] {
  if (policy.mode === "off") return [];
  const least = policy.mode === "threshold" ? policy.threshold : policy.cost + POLLUTION;
  return candidates
    .filter((candidate) => candidate.probability > least)
    .map(({ shard, probability, arrival }) => ({
      shard,
      probability,
      arrival,
      expires: epochMillis(now + Math.min(LONGEST_STAY, Math.max(LEAST_STAY, 3 * (arrival - now)))),
      reason: "predicted" as const,
    }));
}
