import type { CacheOutcome } from "./classify.ts";
import { percentile } from "./percentile.ts";

/** What a replay found; `hits` includes the prefetched ones, so that requests = hits + misses + errors. */
export interface ReplayResult {
  readonly requests: number;
  readonly hits: number;
  readonly prefetchedHits: number;
  readonly misses: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly storageReads: number;
}

/** Counts outcomes and collects latencies. */
export class ReplaySummary {
  readonly #counts: Record<CacheOutcome, number> = { hit: 0, prefetchedHit: 0, miss: 0, error: 0 };
  readonly #latencies: number[] = [];

  /** An answer that was read to its end. Errors have no latency worth comparing. */
  add(outcome: CacheOutcome, milliseconds: number): void {
    this.#counts[outcome]++;
    if (outcome !== "error") this.#latencies.push(milliseconds);
  }

  result(storageReads: number): ReplayResult {
    const { hit, prefetchedHit, miss, error } = this.#counts;
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number): number => Math.round(percentile(sorted, share) * 100) / 100;
    return {
      requests: hit + prefetchedHit + miss + error,
      hits: hit + prefetchedHit,
      prefetchedHits: prefetchedHit,
      misses: miss,
      errors: error,
      p50Ms: at(0.5),
      p95Ms: at(0.95),
      p99Ms: at(0.99),
      storageReads,
    };
  }
}
