/** How a prefetch is decided on. */
type PrefetchMode =
  /** When it is worth more than it costs. */
  | "automatic"
  /** When its probability is above `threshold`. */
  | "fixed"
  /** Never. The engine still learns, and evicts by what it learned. */
  | "off";

/** What decides whether a prefetch is issued. */
export interface PrefetchSettings {
  readonly mode: PrefetchMode;
  /** What one prefetch costs, as a share of what one hit saves. */
  readonly cost: number;
  /** Least probability of a prefetch in `fixed` mode. */
  readonly threshold: number;
  /** Most prefetches per request on average; Infinity for no budget. */
  readonly budget: number;
  /** Most prefetches after one event: a burst must not fan out into unbounded reads. */
  readonly maxPerEvent: number;
}
