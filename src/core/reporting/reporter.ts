import { BoundedMap } from "../collections/bounded-map.ts";
import { MAX_KEY_LENGTH, patternKey, shardKey, typeKey, typeOfKey } from "../keys.ts";
import { isEmpty, type ReadCounts } from "./read-counts.ts";
import { MAX, type ReportBody } from "./report.ts";
import { type Node, ReportWindow } from "./report-window.ts";
import { writeReport } from "./report-writer.ts";
import { HORIZON, UserContext } from "./user-context.ts";

/** An event as the home of its user saw it. */
export interface ReportedEvent {
  readonly type: string;
  readonly shard?: string;
  readonly user: string;
  /** ms since the epoch. */
  readonly time: number;
  /** Whether it read its shard, or only spoke of it. */
  readonly isRead: boolean;
}

/** Users whose contexts are kept; some 500 bytes each. */
const MAX_USERS = 5_000;

/**
 * Collects what a partition reports: which shards and event types follow a shard, an event type or a pattern of two within
 * the horizon, how event types go, and what is wanted. An occurrence counts each follower once, at its first coming, so
 * that count ÷ occurrences is the probability that it comes within the horizon. An event's own read belongs to its type,
 * after no time: "an event of this type asks for this shard". Users' ids never enter the report. An event costs
 * O(horizon).
 */
export class Reporter {
  /** The users seen last; the one silent longest is forgotten first. */
  readonly #users: BoundedMap<string, UserContext>;
  readonly #window = new ReportWindow();
  #calibration = noCalibration();
  #events = 0;

  constructor(maxUsers = MAX_USERS) {
    this.#users = new BoundedMap(maxUsers);
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
    const context = this.#users.get(event.user) ?? new UserContext();
    this.#users.set(event.user, context);
    context.endAt(event.time);
    this.#follow(context, type, shard, event.time);
    if (shard !== null) this.#window.link(type, shard, 0);
    context.push({ shard, type, pattern: this.#patternOf(context, event.type), time: event.time });
    this.#window.tick(type, event.time);
    if (shard === null) return;
    shard.seen++;
    if (event.isRead) shard.requests++;
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

  /** The pattern that an event of this type completes, counted; null at the beginning of a visit. */
  #patternOf(context: UserContext, type: string): Node | null {
    const previous = context.types[context.at(1)];
    if (previous === undefined) return null;
    const pattern = this.#nodeOf(patternKey(typeOfKey(previous.key) ?? "", type));
    if (pattern !== null) pattern.seen++;
    return pattern;
  }

  /** Walks back through the user's visit, as far as each event is still waiting for this type and this shard. */
  #follow(context: UserContext, type: Node, shard: Node | null, time: number): void {
    const { shards, types, patterns, times } = context;
    let shardWaits = shard !== null;
    let typeWaits = true;
    for (let back = 1; back <= HORIZON && (shardWaits || typeWaits); back++) {
      const at = context.at(back);
      if (at < 0) return;
      const logDelay = Math.log2(1 + Math.max(0, time - (times[at] as number)));
      const before = this.#window.current(types[at] as Node);
      if (before === null) return;
      types[at] = before;
      if (typeWaits) this.#window.link(before, type, logDelay);
      typeWaits &&= before !== type;
      if (!shardWaits || shard === null) continue;
      // Whoever waits further back for this shard has had it then.
      shardWaits = shards[at]?.key !== shard.key;
      if (!shardWaits) continue;
      this.#window.link(before, shard, logDelay);
      shards[at] = this.#linkFrom(shards[at], shard, logDelay);
      patterns[at] = this.#linkFrom(patterns[at], shard, logDelay);
    }
  }

  /** The node as it counts now, with `shard` after it. */
  #linkFrom(held: Node | null | undefined, shard: Node, logDelay: number): Node | null {
    if (held === null || held === undefined) return null;
    const now = this.#window.current(held);
    if (now !== null) this.#window.link(now, shard, logDelay);
    return now ?? held;
  }
}

const noCalibration = (): [predictions: number, probability: number, used: number][] =>
  Array.from({ length: MAX.calibration }, () => [0, 0, 0]);
