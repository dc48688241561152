/** What a partition learned since its last report: counts, no users. */
export interface ReportBody {
  readonly edges: [from: string, to: string, count: number, delay: number][];
  readonly seen: [key: string, count: number][];
  readonly pairs: [type: string, next: string, count: number][];
  readonly demand: [shard: string, requests: number, misses: number][];
}

/**
 * Bounds of one report, so that it stays under 64 KB with ids of usual length: what is rarer is left out. An id of
 * the full 1,024 bytes is possible, so the builder also counts characters.
 */
const MAX_ENTRIES = { edges: 400, seen: 400, pairs: 100, demand: 300 };
const MAX_CHARACTERS = 40_000;

/** Collects the deltas of a report. Memory is bounded by how often reports are taken and by {@link MAX_PENDING}. */
export class ReportBuilder {
  readonly #edges = new Map<string, [string, string, number, number]>();
  readonly #seen = new Map<string, [string, number]>();
  readonly #pairs = new Map<string, [string, string, number]>();
  readonly #demand = new Map<string, [string, number, number]>();

  edge(from: string, to: string, delay: number): void {
    const entry = upsert(this.#edges, `${from}\u0000${to}`, [from, to, 0, 0]);
    if (entry === null) return;
    entry[2]++;
    entry[3] += (delay - entry[3]) / entry[2];
  }

  seen(key: string): void {
    const entry = upsert(this.#seen, key, [key, 0]);
    if (entry !== null) entry[1]++;
  }

  pair(type: string, next: string): void {
    const entry = upsert(this.#pairs, `${type}\u0000${next}`, [type, next, 0]);
    if (entry !== null) entry[2]++;
  }

  demand(shard: string, missed: boolean): void {
    const entry = upsert(this.#demand, shard, [shard, 0, 0]);
    if (entry === null) return;
    entry[1]++;
    if (missed) entry[2]++;
  }

  /** The most frequent of everything, and a fresh start; null when nothing was collected. */
  take(): ReportBody | null {
    if (this.#seen.size + this.#demand.size === 0) return null;
    const report: ReportBody = {
      edges: top([...this.#edges.values()], MAX_ENTRIES.edges, (edge) => edge[2]),
      seen: top([...this.#seen.values()], MAX_ENTRIES.seen, (seen) => seen[1]),
      pairs: top([...this.#pairs.values()], MAX_ENTRIES.pairs, (pair) => pair[2]),
      demand: top([...this.#demand.values()], MAX_ENTRIES.demand, (demand) => demand[1]),
    };
    for (const collected of [this.#edges, this.#seen, this.#pairs, this.#demand]) collected.clear();
    return trimmed(report);
  }
}

/** Entries of one kind held between two reports. */
const MAX_PENDING = 5_000;

function upsert<T>(map: Map<string, T>, key: string, fresh: NoInfer<T>): T | null {
  let entry = map.get(key);
  if (entry === undefined) {
    if (map.size >= MAX_PENDING) return null;
    entry = fresh;
    map.set(key, entry);
  }
  return entry;
}

const top = <T>(entries: T[], limit: number, weight: (entry: T) => number): T[] =>
  entries.length <= limit ? entries : entries.sort((a, b) => weight(b) - weight(a)).slice(0, limit);

/** Halves the parts until the whole is small enough. */
function trimmed(report: ReportBody): ReportBody {
  while (JSON.stringify(report).length > MAX_CHARACTERS)
    for (const part of [report.edges, report.seen, report.demand]) part.length = Math.floor(part.length / 2);
  return report;
}
