import { TICK } from "./report.ts";

/** Names held between two reports. A report is taken every few hundred events, so this is reached only by a flood. */
const MAX_NODES = 4_000;
/** What may follow one name between two reports; far more than a report has room for. */
const MAX_NEXT = 256;
/** Ticks of one event type held between two reports; what is older counts for the last one held. */
const MAX_TICKS = 32;

/** How often one name followed another, and after how long. */
export interface Edge {
  readonly from: Node;
  readonly to: Node;
  count: number;
  /** Sum of log₂(1 + delay in ms). */
  logDelay: number;
}

/** What was counted about one name since the last report. */
export interface Node {
  readonly key: string;
  /** The report it was counted for; in an older one it has to be found or begun again. */
  window: number;
  seen: number;
  next: Map<Node, Edge> | null;
  /** Of an event type: counts by tick. */
  ticks: Map<number, number> | null;
  requests: number;
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

  /** Counts that `to` followed `from`, `logDelay` being log₂(1 + delay in ms). O(1). */
  link(from: Node, to: Node, logDelay: number): void {
    const edge = from.next?.get(to) ?? this.#begin(from, to);
    if (edge === null) return;
    edge.count++;
    edge.logDelay += logDelay;
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

  #begin(from: Node, to: Node): Edge | null {
    if (from.next === null) from.next = new Map();
    if (from.next.size >= MAX_NEXT) return null;
    const edge: Edge = { from, to, count: 0, logDelay: 0 };
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

const newNode = (key: string): Node => ({
  key,
  window: 0,
  seen: 0,
  next: null,
  ticks: null,
  requests: 0,
});

function reset(node: Node): void {
  node.seen = node.requests = 0;
  node.next = node.ticks = null;
}
