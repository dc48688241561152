/** What a partition counts, in the order it is stored in. Sums, so that they merge by addition. Times in ms. */
export const READ_COUNTS = [
  /** All reads, those included that teach nothing. */
  "reads",
  /** Answered from memory or SQLite. */
  "hits",
  /** Of the hits, the first ones on a prefetched copy. */
  "prefetchedHits",
  /** Of the hits, those read back from SQLite. */
  "diskHits",
  /** Waited for the storage. */
  "misses",
  /** Of the misses, those that joined a fetch already under way. */
  "collapsed",
  /** Of the misses, those that only asked whether the copy is still current. */
  "revalidations",
  /** Passed through uncached. */
  "bypassed",
  /** Reads that came before their prefetch was there. */
  "late",
  /** Storage operations for reads and prefetches. */
  "storageReads",
  "prefetchesIssued",
  /** Prefetched copies that were asked for. */
  "prefetchesUsed",
  /** Reads that missed because a prefetched copy had pushed theirs out. */
  "pushedOut",
  "bytes",
  "eventsLearned",
  "faults",
  /** Reads learned from, by users with prefetching and by those of the control arm. */
  "treatedRequests",
  "treatedMisses",
  "treatedMissMillis",
  "treatedHitMillis",
  "controlRequests",
  "controlMisses",
  "controlMissMillis",
  "controlHitMillis",
] as const;

export type ReadCount = (typeof READ_COUNTS)[number];
/** One number for each of {@link READ_COUNTS}. */
export type ReadCounts = Readonly<Record<ReadCount, number>>;
/** The same, to count in. */
export type ReadCounter = Record<ReadCount, number>;

/** Counts made of a function of their names. */
export const countsOf = (numberOf: (name: ReadCount, index: number) => number): ReadCounter => {
  const counts: Partial<ReadCounter> = {};
  READ_COUNTS.forEach((name, index) => {
    counts[name] = numberOf(name, index);
  });
  return counts as ReadCounter;
};

export const noCounts = (): ReadCounter => countsOf(() => 0);

/** What was counted between two moments; whole numbers, as they travel. */
export const countsBetween = (before: ReadCounts, after: ReadCounts): ReadCounts =>
  countsOf((name) => Math.max(0, Math.round(after[name] - before[name])));

export const addCounts = (a: ReadCounts, b: ReadCounts): ReadCounts => countsOf((name) => a[name] + b[name]);

/** Whether anything was counted. */
export const isEmpty = (counts: ReadCounts): boolean => READ_COUNTS.every((name) => counts[name] === 0);
