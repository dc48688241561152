import { type Bytes, MIB } from "../units.ts";

/** How a prefetch is decided on. */
export type PrefetchMode =
  /** When it is worth more than it costs. */
  | "automatic"
  /** When its probability is above `threshold`. */
  | "fixed"
  /** Never. The engine still learns, and evicts by what it learned. */
  | "off";

/** What an engine can be told, at any time. */
export interface EngineSettings {
  readonly mode: PrefetchMode;
  /** What one prefetch costs, as a share of what one hit saves. */
  readonly cost: number;
  /** Least probability of a prefetch in `fixed` mode. */
  readonly threshold: number;
  /** Most prefetches per request on average; Infinity for no budget. */
  readonly budget: number;
  /** Most prefetches after one event: a burst must not fan out into unbounded reads. */
  readonly maxPerEvent: number;
  /** Bound of everything learned, the residents' own entries aside. */
  readonly modelBytes: Bytes;
  /** Seed of the eviction sampler. */
  readonly seed: number;
}

export const DEFAULT_SETTINGS: EngineSettings = {
  mode: "automatic",
  cost: 0.1,
  threshold: 0.3,
  budget: Number.POSITIVE_INFINITY,
  maxPerEvent: 8,
  modelBytes: (16 * MIB) as Bytes,
  seed: 20_240_229,
};
