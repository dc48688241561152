/** What a partition counts since it was loaded or told to forget; shown in the admin API. */
export interface Stats {
  reads: number;
  /** Answered from memory or SQLite. */
  hits: number;
  /** Of the hits, the first ones on a prefetched copy. */
  prefetchedHits: number;
  /** Of the hits, those read back from SQLite. */
  diskHits: number;
  /** Waited for R2. */
  misses: number;
  /** Of the misses, those that joined a fetch already under way. */
  collapsed: number;
  /** Of the misses, those that only asked R2 whether the copy is still current. */
  revalidations: number;
  /** Passed through uncached. */
  bypassed: number;
  /** R2 operations for reads and prefetches. */
  storageReads: number;
  prefetchesIssued: number;
  /** Prefetched copies that were asked for. */
  prefetchesUsed: number;
  eventsLearned: number;
  reportsSent: number;
  faults: number;
}

export const newStats = (): Stats => ({
  reads: 0,
  hits: 0,
  prefetchedHits: 0,
  diskHits: 0,
  misses: 0,
  collapsed: 0,
  revalidations: 0,
  bypassed: 0,
  storageReads: 0,
  prefetchesIssued: 0,
  prefetchesUsed: 0,
  eventsLearned: 0,
  reportsSent: 0,
  faults: 0,
});
