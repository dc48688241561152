import type { EventReport } from "../correlation/report.ts";
import type { ShardEvent } from "../event.ts";
import type { Predictor } from "../prediction/predictor.ts";
import { EVENT, PATTERN, SHARD, type ShardTable } from "../prediction/shard-table.ts";
import type { EpochMillis } from "../units.ts";
import { PatternWatch } from "./pattern-watch.ts";
import { ReportCollector } from "./report-collector.ts";
import type { EngineAnswer } from "./types.ts";

/** What the engine knows of an event besides the event. */
export interface ObservedEvent {
  readonly event: ShardEvent;
  readonly answer: EngineAnswer;
  /** How unexpected the read was, 0 to 1. */
  readonly surprise: number;
  /** Event type of the user's event before; undefined if there was none. */
  readonly previousType: string | undefined;
}

/**
 * Tells others what a partition learned: collects deltas once it was asked for a report, and watches for a change of
 * pattern. Shards named after their user are told as a pattern; their demand is not told.
 */
export class Reporter {
  readonly #shards: ShardTable;
  readonly #predictor: Predictor;
  readonly #watch = new PatternWatch();
  readonly #collector = new ReportCollector();
  #since: EpochMillis | undefined;
  #sequence = 0;

  constructor(shards: ShardTable, predictor: Predictor) {
    this.#shards = shards;
    this.#predictor = predictor;
  }

  /** Events since the last report. */
  get pending(): number {
    return this.#collector.events;
  }

  /** Whether the pattern changed significantly since the last report: reason to send one at once. */
  get changed(): boolean {
    return this.#watch.changed;
  }

  /** A prediction's outcome is known. */
  outcome(probability: number, label: number): void {
    this.#collector.outcome(probability, label);
  }

  /** An event was dealt with. */
  observe({ event, answer, surprise, previousType }: ObservedEvent): void {
    this.#since ??= event.time;
    const { previousStep, step, previousTime } = this.#predictor;
    const delay = Math.max(0, event.time - previousTime);
    const name = this.#nameOf(step);
    this.#collector.type(event.type);
    if (previousType !== undefined) this.#collector.typePair(previousType, event.type, delay);
    this.#collector.planned(answer.plans.length);
    if (answer.outcome === "none") return;
    this.#watch.read(surprise);
    this.#collector.read(answer.outcome, answer.prefetched);
    if (this.#shards.kind[step] === SHARD) this.#collector.demand(name, answer.outcome !== "hit");
    if (previousType !== undefined) this.#collector.typeShard(previousType, name, delay);
    if (previousStep !== 0 && previousStep !== step && this.#shards.kind[previousStep] !== EVENT)
      this.#collector.shardPair(this.#nameOf(previousStep), name, delay);
  }

  /** What was learned since the last report; undefined when nothing happened. */
  take(partition: string, region: string, now: EpochMillis): EventReport | undefined {
    if (this.#since === undefined) return undefined;
    const report = this.#collector.take({
      partition,
      region,
      sequence: ++this.#sequence,
      from: this.#since,
      until: now,
      changed: this.#watch.takeChange(),
    });
    this.#since = undefined;
    return report;
  }

  #nameOf(handle: number): string {
    const kind = this.#shards.kind[handle];
    return kind === SHARD || kind === PATTERN ? (this.#shards.ids[handle] as string) : "";
  }
}
