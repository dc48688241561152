import { halfLog2 } from "../hash.ts";
import { jsonBytes } from "../json-bytes.ts";
import type { ReadCounts } from "./read-counts.ts";
import { MAX, type ReportBody } from "./report.ts";
import type { Edge, Node, ReportWindow } from "./report-window.ts";

/** Bytes of an entry besides its numbers: brackets, commas, and two indices. */
const ENTRY = 14;
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
        if (rates.length < MAX.rates && this.#afford([tick, count], node))
          rates.push([this.#name(node), tick, count]);
  }

  /** How often shards and patterns occurred: without it an edge says nothing. */
  writeSeen(nodes: readonly Node[]): void {
    const { seen } = this.draft;
    const counted = nodes.filter((node) => node.seen > 0 && node.ticks === null);
    for (const node of heaviest(counted, ({ seen: count }) => count))
      if (seen.length < MAX.seen && this.#afford([node.seen], node)) seen.push([this.#name(node), node.seen]);
  }

  writeDemand(nodes: readonly Node[]): void {
    const { demand } = this.draft;
    const wanted = nodes.filter(({ requests }) => requests > 0);
    for (const node of heaviest(wanted, ({ requests }) => requests))
      if (demand.length < MAX.demand && this.#afford([node.requests], node))
        demand.push([this.#name(node), node.requests]);
  }

  /** Edges take what room is left, the heaviest first: a far and single follower is what goes. */
  writeEdges(all: readonly Edge[]): void {
    const { edges } = this.draft;
    for (const { from, to, count, logDelay } of heaviest(all, nearness)) {
      if (edges.length === MAX.edges || this.#left < ENTRY) return;
      // Two decimals of a sum of logarithms are plenty, and short in JSON.
      const rounded = Math.round(logDelay * 100) / 100;
      if (this.#afford([count, rounded], from, to))
        edges.push([this.#name(from), this.#name(to), count, rounded]);
    }
  }

  /** Takes the bytes of an entry and of names not yet written off what is left; false when they do not fit. */
  #afford(numbers: readonly number[], node: Node, other = node): boolean {
    const isFresh = (one: Node): boolean => !this.#index.has(one);
    // Two names at most come with an entry; of a large window most edges are turned away here.
    if (this.draft.names.length > MAX.names - 2 && (isFresh(node) || isFresh(other))) return false;
    const fresh = (node === other ? [node] : [node, other]).filter(isFresh);
    const cost = fresh.reduce((sum, { key }) => sum + jsonBytes(key), ENTRY + numbers.join().length);
    if (cost > this.#left) return false;
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

/** What an edge is worth where not all fit: its count, less the longer it took. */
const nearness = ({ count, logDelay }: Edge): number => (count * count) / (count + logDelay);

/** Classes of weight that {@link heaviest} tells apart: half octaves of 1/32. */
const CLASSES = 64;

/** The items, the heaviest first to within half an octave: a pass instead of a sort. O(n). */
function* heaviest<T>(items: readonly T[], weight: (item: T) => number): Generator<T> {
  const classes: T[][] = Array.from({ length: CLASSES }, () => []);
  for (const item of items)
    classes[Math.min(CLASSES - 1, halfLog2(Math.min(2 ** 30, weight(item) * 32)))]?.push(item);
  for (const alike of classes.reverse()) yield* alike;
}
