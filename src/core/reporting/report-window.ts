import { delayBin } from "../learning/delay-histogram.ts";
import { DELAY_BINS, TICK } from "./report.ts";

/** Names held between two reports. A report is taken every few hundred events, so this is reached only by a flood. */
const MAX_NODES = 4_000;
/** Successors held of one name between two reports; far more than a report has room for. */
const MAX_NEXT = 64;
/** Ticks of one event type held between two reports; what is older counts for the last one held. */
const MAX_TICKS = 32;

/** How often one name followed another, and after how long. */
export interface Edge {
  readonly from: Node;
  readonly to: Node;
  weight: number;
  /** Most edges between two reports know one bin of delays only: `rest` lists others, `[bin, weight, …]`. */
  readonly bin: number;
  binWeight: number;
  rest: number[] | null;
}

/** What was counted about one name since the last report. */
export interface Node {
  readonly key: string;
  /** The report it was counted for; in an older one it has to be found or begun again. */
  window: number;
  seen: number;
  next: Map<Node, Edge> | null;
  /** Of an event type: types that followed, and counts by tick. */
  followers: Map<Node, number> | null;
  ticks: Map<number, number> | null;
  requests: number;
  misses: number;
  bytes: number;
}

/** Counts between two reports, name by name. Nodes are shared with users' contexts, which outlive a report. */
export class ReportWindow {
  #window = 1;
  #nodes = new Map<string, Node>();
  #edges: Edge[] = [];

  /** All edges, in the order they were first seen. */
  get edges(): readonly Edge[] {
    return this.#edges;
  }

  nodes(): IterableIterator<Node> {
    return this.#nodes.values();
  }

  /** The node of a name, or null when there is no room. O(1). */
  node(key: string): Node | null {
    return this.#nodes.get(key) ?? this.#register(newNode(key));
  }

  /** The node that counts now for one that may be of an earlier report. O(1). */
  current(node: Node): Node | null {
    if (node.window === this.#window) return node;
    return this.#nodes.get(node.key) ?? this.#register(node);
  }

  /** Counts that `to` followed `from` after `delay` ms; `known` is their edge if the caller has it at hand. O(1). */
  link(from: Node, to: Node, weight: number, delay: number, known: Edge | null = null): Edge | null {
    const bin = delayBin(delay, DELAY_BINS);
    const edge = known?.from === from && known.to === to ? known : from.next?.get(to);
    if (edge === undefined) return this.#begin(from, to, weight, bin);
    edge.weight += weight;
    if (edge.bin === bin) edge.binWeight += weight;
    else addToRest(edge, bin, weight);
    return edge;
  }

  /** Counts that an event of type `next` followed one of `type`. O(1). */
  pair(type: Node, next: Node, weight: number): void {
    if (type.followers === null) type.followers = new Map();
    const before = type.followers.get(next);
    if (before !== undefined || type.followers.size < MAX_NEXT)
      type.followers.set(next, (before ?? 0) + weight);
  }

  /** Counts an event of a type. O(1). */
  tick(type: Node, time: number): void {
    if (type.ticks === null) type.ticks = new Map();
    let tick = Math.floor(time / TICK);
    if (!type.ticks.has(tick) && type.ticks.size >= MAX_TICKS) tick = [...type.ticks.keys()].at(-1) ?? tick;
    type.ticks.set(tick, (type.ticks.get(tick) ?? 0) + 1);
  }

  /** Begins anew. */
  clear(): void {
    // Contexts still hold these nodes: what they counted must not stay in memory with them.
    for (const node of this.#nodes.values()) reset(node);
    this.#nodes = new Map();
    this.#edges = [];
    this.#window++;
  }

  #begin(from: Node, to: Node, weight: number, bin: number): Edge | null {
    if (from.next === null) from.next = new Map();
    if (from.next.size >= MAX_NEXT) return null;
    const edge: Edge = { from, to, weight, bin, binWeight: weight, rest: null };
    from.next.set(to, edge);
    this.#edges.push(edge);
    return edge;
  }

  #register(node: Node): Node | null {
    if (this.#nodes.size >= MAX_NODES) return null;
    node.window = this.#window;
    this.#nodes.set(node.key, node);
    return node;
  }
}

function addToRest(edge: Edge, bin: number, weight: number): void {
  if (edge.rest === null) edge.rest = [];
  const { rest } = edge;
  for (let i = 0; i < rest.length; i += 2)
    if (rest[i] === bin) {
      rest[i + 1] = (rest[i + 1] as number) + weight;
      return;
    }
  rest.push(bin, weight);
}

const newNode = (key: string): Node => ({
  key,
  window: 0,
  seen: 0,
  next: null,
  followers: null,
  ticks: null,
  requests: 0,
  misses: 0,
  bytes: 0,
});

function reset(node: Node): void {
  node.seen = node.requests = node.misses = node.bytes = 0;
  node.next = node.followers = node.ticks = null;
}
