import { halfLog2 } from "../hash.ts";
import { jsonBytes } from "../json-bytes.ts";
import type { ReadCounts } from "./read-counts.ts";
import { MAX, type ReportBody } from "./report.ts";
import type { Edge, Node, ReportWindow } from "./report-window.ts";

const BRACKETS = 3;
/** Bytes of an index with its comma. */
const INDEX = 5;
/** Bytes of a number of at most two decimals, with its comma. O(1). */
const bytesOf = (value: number): number => Math.ceil(Math.log10(value + 2)) + 4;
/** Totals, calibration and the names of the fields. */
const FRAME = 2_000;

type Draft = Omit<ReportBody, "totals" | "calibration">;

/** Writes a window's counts into a report within its bounds: what is rarest is left out. O(names + edges). */
export function writeReport(
  window: ReportWindow,
  totals: ReadCounts,
  calibration: ReportBody["calibration"],
): ReportBody {
  const writer = new BoundedReport();
  const nodes = [...window.nodes()];
  writer.writeTypes(nodes);
  writer.writeSeen(nodes);
  writer.writeDemand(nodes);
  writer.writeEdges(window.edges);
  return { ...writer.draft, totals, calibration };
}

class BoundedReport {
  readonly draft: Draft = { names: [], seen: [], edges: [], rates: [], demand: [] };
  readonly #index = new Map<Node, number>();
  #left: number = MAX.reportBytes - FRAME;

  /** Rates first: they are few, and what says how often an event type occurred. */
  writeTypes(nodes: readonly Node[]): void {
    const { rates } = this.draft;
    for (const node of nodes)
      for (const [tick, count] of node.ticks ?? [])
        if (rates.length < MAX.rates && this.#afford(BRACKETS + INDEX + bytesOf(tick) + bytesOf(count), node))
          rates.push([this.#name(node), tick, count]);
  }

  /** How often shards and patterns occurred: without it an edge says nothing. */
  writeSeen(nodes: readonly Node[]): void {
    const { seen } = this.draft;
    const counted = nodes.filter((node) => node.seen > 0 && node.ticks === null);
    for (const node of heaviest(counted, ({ seen: count }) => count))
      if (seen.length < MAX.seen && this.#afford(BRACKETS + INDEX + bytesOf(node.seen), node))
        seen.push([this.#name(node), node.seen]);
  }

  writeDemand(nodes: readonly Node[]): void {
    const { demand } = this.draft;
    const wanted = nodes.filter(({ requests }) => requests > 0);
    for (const node of heaviest(wanted, ({ requests }) => requests))
      if (demand.length < MAX.demand && this.#afford(BRACKETS + INDEX + demandBytes(node), node))
        demand.push([this.#name(node), node.requests, node.misses, node.bytes]);
  }

  /** Edges take what room is left, the heaviest first: a far and single follower is what goes. */
  writeEdges(all: readonly Edge[]): void {
    const { edges } = this.draft;
    for (const edge of heaviest(all, nearness, MAX.edges)) {
      if (this.#left < BRACKETS + 2 * INDEX) return;
      if (edges.length >= MAX.edges || !this.#afford(edgeBytes(edge), edge.from, edge.to)) continue;
      edges.push([this.#name(edge.from), this.#name(edge.to), edge.count, rounded(edge.logDelay)]);
    }
  }

  /** Takes the bytes of an entry and of names not yet written off what is left; false when they do not fit. */
  #afford(bytes: number, node: Node, other = node): boolean {
    let cost = bytes;
    let fresh = 0;
    if (!this.#index.has(node)) {
      cost += jsonBytes(node.key);
      fresh++;
    }
    if (other !== node && !this.#index.has(other)) {
      cost += jsonBytes(other.key);
      fresh++;
    }
    if (cost > this.#left || this.draft.names.length + fresh > MAX.names) return false;
    this.#left -= cost;
    return true;
  }

  #name(node: Node): number {
    let index = this.#index.get(node);
    if (index === undefined) {
      index = this.draft.names.push(node.key) - 1;
      this.#index.set(node, index);
    }
    return index;
  }
}

const demandBytes = ({ requests, misses, bytes }: Node): number =>
  bytesOf(requests) + bytesOf(misses) + bytesOf(bytes);

const edgeBytes = ({ count, logDelay }: Edge): number =>
  BRACKETS + 2 * INDEX + bytesOf(count) + bytesOf(logDelay);

/** What an edge is worth where not all fit: its count, less the longer it took. */
const nearness = ({ count, logDelay }: Edge): number => (count * count) / (count + logDelay);

/** Two decimals of a sum of logarithms are plenty, and short in JSON. */
const rounded = (sum: number): number => Math.round(sum * 100) / 100;

/** Classes of weight that {@link heaviest} tells apart: half octaves of 1/32. */
const CLASSES = 64;

/**
 * The heaviest of the items to within half an octave, at most `limit` and the rest of the class where that ends: two
 * passes instead of a sort. O(n).
 */
function heaviest<T>(
  items: readonly T[],
  weight: (item: T) => number,
  limit = Number.POSITIVE_INFINITY,
): T[] {
  const classOf = (item: T): number => Math.min(CLASSES - 1, halfLog2(Math.min(2 ** 30, weight(item) * 32)));
  const sizes = new Uint32Array(CLASSES);
  for (const item of items) {
    const level = classOf(item);
    sizes[level] = (sizes[level] as number) + 1;
  }
  let lightest = CLASSES - 1;
  for (let sum = sizes[lightest] as number; lightest > 0 && sum < limit; sum += sizes[lightest] as number)
    lightest--;
  const classes: T[][] = Array.from({ length: CLASSES }, () => []);
  for (const item of items) {
    const level = classOf(item);
    if (level >= lightest) classes[level]?.push(item);
  }
  return classes.reverse().flat();
}
