import { jsonBytes } from "../json-bytes.ts";
import type { ReadCounts } from "./read-counts.ts";
import { MAX, type ReportBody } from "./report.ts";
import type { Edge, Node, ReportWindow } from "./report-window.ts";

/** Bytes of an entry at most: three indices or counts, a tick, a sum with two decimals. */
const ENTRY = 30;
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
        if (rates.length < MAX.rates && this.#afford(node)) rates.push([this.#name(node), tick, count]);
  }

  /** How often shards and patterns occurred: without it an edge says nothing. */
  writeSeen(nodes: readonly Node[]): void {
    const { seen } = this.draft;
    const counted = nodes.filter((node) => node.seen > 0 && node.ticks === null);
    for (const node of heaviest(counted, ({ seen: count }) => count))
      if (seen.length < MAX.seen && this.#afford(node)) seen.push([this.#name(node), node.seen]);
  }

  writeDemand(nodes: readonly Node[]): void {
    const { demand } = this.draft;
    const wanted = nodes.filter(({ requests }) => requests > 0);
    for (const node of heaviest(wanted, ({ requests }) => requests))
      if (demand.length < MAX.demand && this.#afford(node)) demand.push([this.#name(node), node.requests]);
  }

  /** Edges take what room is left, the heaviest first: a far and single follower is what goes. */
  writeEdges(all: readonly Edge[]): void {
    const { edges } = this.draft;
    for (const edge of heaviest(all, nearness).slice(0, MAX.edges)) {
      if (this.#left < ENTRY) return;
      if (!this.#afford(edge.from, edge.to)) continue;
      // Two decimals of a sum of logarithms are plenty, and short in JSON.
      const logDelay = Math.round(edge.logDelay * 100) / 100;
      edges.push([this.#name(edge.from), this.#name(edge.to), edge.count, logDelay]);
    }
  }

  /** Takes the bytes of an entry and of names not yet written off what is left; false when they do not fit. */
  #afford(node: Node, other = node): boolean {
    let cost = ENTRY;
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

/** What an edge is worth where not all fit: its count, less the longer it took. */
const nearness = ({ count, logDelay }: Edge): number => (count * count) / (count + logDelay);

/** O(n log n). */
const heaviest = <T>(items: readonly T[], weight: (item: T) => number): T[] =>
  items.toSorted((a, b) => weight(b) - weight(a));
