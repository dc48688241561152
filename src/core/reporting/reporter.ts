import { MAX_KEY_LENGTH, shardKey, typeKey } from "../keys.ts";
import { isEmpty, type ReadCounts } from "./read-counts.ts";
import { MAX, type ReportBody } from "./report.ts";
import { type Edge, type Node, ReportWindow } from "./report-window.ts";
import { writeReport } from "./report-writer.ts";
import { LOOKAHEAD, type UserContext, UserContexts, VISIT_GAP } from "./user-contexts.ts";

/** An event as the home of its user saw it. */
export interface ReportedEvent {
  readonly type: string;
  readonly shard?: string;
  readonly user: string;
  /** ms since the epoch. */
  readonly time: number;
}

/** Users whose contexts are kept; some 500 bytes each. */
const MAX_USERS = 5_000;

/** What an event counts as follower of the one d events before: 1/d, so that the direct successor is the strongest. */
const WEIGHTS = Float64Array.from({ length: LOOKAHEAD + 1 }, (_, d) => (d === 0 ? 0 : 1 / d));

/**
 * Collects what a partition reports: which shards follow which shard and which event type within the lookahead of the
 * same user, how event types go and pair, and what is wanted. An occurrence of a key counts a follower at most once,
 * at its first coming, so that follower ÷ occurrences is a probability. Users' ids never enter the report.
 * An event costs O(lookahead).
 */
export class Reporter {
  readonly #users: UserContexts;
  readonly #window = new ReportWindow();
  #calibration = noCalibration();
  #events = 0;

  constructor(maxUsers = MAX_USERS) {
    this.#users = new UserContexts(maxUsers);
  }

  /** Events since the last report. */
  get events(): number {
    return this.#events;
  }

  /** Counts an event. */
  observe(event: ReportedEvent): void {
    this.#events++;
    const type = this.#nodeOf(typeKey(event.type));
    const shard = event.shard === undefined ? null : this.#nodeOf(shardKey(event.shard));
    if (type === null) return;
    const context = this.#users.of(event.user);
    this.#follow(context, type, shard, event.time);
    context.push(shard, type, event.time);
    this.#window.tick(type, event.time);
    if (shard !== null) shard.seen++;
  }

  /** Counts a read that its shard's owner answered, and whether it waited for the storage. */
  demand(shard: string, missed: boolean, bytes: number): void {
    const node = this.#nodeOf(shardKey(shard));
    if (node === null) return;
    node.requests++;
    node.bytes += bytes;
    if (missed) node.misses++;
  }

  /** Counts a prediction's outcome: it was made with `probability`, and was used or not. */
  calibrate(probability: number, used: boolean): void {
    const bin = this.#calibration[Math.min(MAX.calibration - 1, Math.floor(probability * MAX.calibration))];
    if (bin === undefined) return;
    bin[0]++;
    bin[1] += probability;
    if (used) bin[2]++;
  }

  /**
   * What was counted since the last call, at most {@link MAX.reportBytes} as JSON, with `totals` counted meanwhile; null
   * when nothing was.
   */
  take(totals: ReadCounts): ReportBody | null {
    if (this.#events === 0 && isEmpty(totals)) return null;
    const report = writeReport(this.#window, totals, this.#calibration);
    this.#window.clear();
    this.#calibration = noCalibration();
    this.#events = 0;
    return report;
  }

  #nodeOf(key: string): Node | null {
    return key.length > MAX_KEY_LENGTH ? null : this.#window.node(key);
  }

  /** Walks back through the user's events, as far as each is still waiting for this follower. */
  #follow(context: UserContext, type: Node, shard: Node | null, time: number): void {
    let shardWaits = shard !== null;
    let typeWaits = true;
    /** Events of one type come in rows: their edge is mostly the one before. */
    let typeEdge: Edge | null = null;
    for (let back = 1; back <= LOOKAHEAD && (shardWaits || typeWaits); back++) {
      const at = context.at(back);
      if (at < 0 || time - (context.times[at] as number) > VISIT_GAP) return;
      const weight = WEIGHTS[back] as number;
      const before = this.#window.current(context.types[at] as Node);
      if (before === null) return;
      context.types[at] = before;
      if (typeWaits) this.#window.pair(before, type, weight);
      typeWaits &&= before !== type;
      if (!shardWaits || shard === null) continue;
      const delay = Math.max(0, time - (context.times[at] as number));
      shardWaits = this.#followShard(context, at, shard, weight, delay);
      if (shardWaits) typeEdge = this.#window.link(before, shard, weight, delay, typeEdge);
    }
  }

  /** False when the event back there read the same shard: those before it have had their follower then. */
  #followShard(context: UserContext, at: number, shard: Node, weight: number, delay: number): boolean {
    const held = context.shards[at];
    if (held === null || held === undefined) return true;
    const before = this.#window.current(held);
    if (before === null) return true;
    context.shards[at] = before;
    if (before === shard) return false;
    this.#window.link(before, shard, weight, delay);
    return true;
  }
}

const noCalibration = (): [predictions: number, probability: number, used: number][] =>
  Array.from({ length: MAX.calibration }, () => [0, 0, 0]);
