import { ArrivalHistogram } from "../prediction/arrival.ts";
import { type EpochMillis, type Millis, millis } from "../units.ts";
import { addDecayed, type DecayedCount, decayedAt, LONG_TERM, SHORT_TERM } from "./decay.ts";
import type { CountDelta, EdgeDelta } from "./report.ts";

/** Evidence, in events, that the short term must have before it counts as much as the long term. */
const SHORT_TERM_TRUST = 5;
/** κ of the smoothing p = n/(N+κ): a single coincidence is no rule. */
const SMOOTHING = 1;
/** Delay assumed while none was seen. */
const UNKNOWN_DELAY = millis(1_000);

/** Both memories of how often something happened. */
export interface TwoTermCount {
  readonly short: DecayedCount;
  readonly long: DecayedCount;
}

/** One edge: how often its target followed, and after how long. */
interface Edge extends TwoTermCount {
  readonly delays: ArrivalHistogram;
}

interface Source extends TwoTermCount {
  readonly edges: Map<string, Edge>;
}

/** What follows something, and how probably. */
export interface Successor {
  readonly to: string;
  readonly probability: number;
  readonly expectedDelay: Millis;
  /** Long-term count. */
  readonly count: number;
}

/** An {@link EdgeTable} as plain data. */
export type EdgeTableState = readonly {
  readonly from: string;
  readonly short: DecayedCount;
  readonly long: DecayedCount;
  readonly edges: readonly {
    readonly to: string;
    readonly short: DecayedCount;
    readonly long: DecayedCount;
    readonly delays: Float64Array;
  }[];
}[];

const newCount = (): TwoTermCount => ({
  short: { value: 0, time: 0 as EpochMillis },
  long: { value: 0, time: 0 as EpochMillis },
});

const add = (count: TwoTermCount, n: number, time: EpochMillis): void => {
  addDecayed(count.short, n, time, SHORT_TERM);
  addDecayed(count.long, n, time, LONG_TERM);
};

/**
 * What follows what, in two memories that fade at different speeds. Merging adds, after decay to a common time, so that
 * neither order nor grouping of the deltas matters; {@link compact} makes room, by weight, at a moment the owner picks.
 */
export class EdgeTable {
  readonly #sources = new Map<string, Source>();

  /** Number of edges. O(sources). */
  get size(): number {
    let edges = 0;
    for (const source of this.#sources.values()) edges += source.edges.size;
    return edges;
  }

  /** Number of sources. */
  get sources(): number {
    return this.#sources.size;
  }

  /** Counts occurrences of the sources themselves. O(deltas). */
  addSources(counts: readonly CountDelta[], time: EpochMillis): void {
    for (const { name, count } of counts) add(this.#source(name), count, time);
  }

  /** Counts what followed. O(deltas). */
  addEdges(edges: readonly EdgeDelta[], time: EpochMillis): void {
    for (const { from, to, count, delays } of edges) {
      const source = this.#source(from);
      const edge = source.edges.get(to) ?? { ...newCount(), delays: new ArrivalHistogram() };
      source.edges.set(to, edge);
      add(edge, count, time);
      for (const [bin, n] of delays) edge.delays.add(millis(bin === 0 ? 0 : 2 ** (bin - 1)), n);
    }
  }

  /** The long-term count of `from` itself. */
  count(from: string, now: EpochMillis): number {
    const source = this.#sources.get(from);
    return source === undefined ? 0 : decayedAt(source.long, now, LONG_TERM);
  }

  /** The long-term count of `to` after `from`. */
  together(from: string, to: string, now: EpochMillis): number {
    const edge = this.#sources.get(from)?.edges.get(to);
    return edge === undefined ? 0 : decayedAt(edge.long, now, LONG_TERM);
  }

  /** Names of all sources. */
  names(): IterableIterator<string> {
    return this.#sources.keys();
  }

  /** What follows `from`, the most probable first, at most `most`. O(edges of `from`). */
  successors(from: string, now: EpochMillis, most: number): readonly Successor[] {
    const source = this.#sources.get(from);
    if (source === undefined) return [];
    return [...source.edges]
      .map(([to, edge]) => ({
        to,
        probability: shareOf(edge, source, now),
        expectedDelay: edge.delays.quantile(0.5, UNKNOWN_DELAY),
        count: decayedAt(edge.long, now, LONG_TERM),
      }))
      .sort((a, b) => b.probability - a.probability || (a.to < b.to ? -1 : 1))
      .slice(0, most);
  }

  /** Keeps the `mostSources` weightiest sources and of each the `mostEdges` weightiest edges, ties by name. O(n log n). */
  compact(now: EpochMillis, mostSources: number, mostEdges: number): void {
    for (const [name] of heaviest(this.#sources, now).slice(mostSources)) this.#sources.delete(name);
    for (const { edges } of this.#sources.values())
      if (edges.size > mostEdges)
        for (const [name] of heaviest(edges, now).slice(mostEdges)) edges.delete(name);
  }

  toState(): EdgeTableState {
    return [...this.#sources].map(([from, source]) => ({
      from,
      short: { ...source.short },
      long: { ...source.long },
      edges: [...source.edges].map(([to, edge]) => ({
        to,
        short: { ...edge.short },
        long: { ...edge.long },
        delays: edge.delays.toState(),
      })),
    }));
  }

  static fromState(state: EdgeTableState): EdgeTable {
    const table = new EdgeTable();
    for (const { from, short, long, edges } of state) {
      const source: Source = { short: { ...short }, long: { ...long }, edges: new Map() };
      for (const edge of edges)
        source.edges.set(edge.to, {
          short: { ...edge.short },
          long: { ...edge.long },
          delays: ArrivalHistogram.fromState(edge.delays),
        });
      table.#sources.set(from, source);
    }
    return table;
  }

  #source(name: string): Source {
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const source = { ...newCount(), edges: new Map<string, Edge>() };
    this.#sources.set(name, source);
    return source;
  }
}

/** Smoothed share of the source's occurrences, short and long term weighed by what the short term knows. */
function shareOf(edge: TwoTermCount, source: TwoTermCount, now: EpochMillis): number {
  const recent = decayedAt(source.short, now, SHORT_TERM);
  const usual = decayedAt(source.long, now, LONG_TERM);
  const short = decayedAt(edge.short, now, SHORT_TERM) / (recent + SMOOTHING);
  const long = decayedAt(edge.long, now, LONG_TERM) / (usual + SMOOTHING);
  const trust = recent / (recent + SHORT_TERM_TRUST);
  return Math.min(1, trust * short + (1 - trust) * long);
}

function heaviest<Item extends TwoTermCount>(
  items: ReadonlyMap<string, Item>,
  now: EpochMillis,
): [string, number][] {
  return [...items]
    .map(([name, item]): [string, number] => [name, decayedAt(item.long, now, LONG_TERM)])
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
