import type { Report } from "../../src/contract/messages.ts";
import type { ShardEvent } from "../../src/core/event.ts";
import type { Predictor } from "../../src/core/learning/predictor.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { SECOND } from "../../src/core/units.ts";
import type { Stats } from "./stats.ts";

/** A report goes out when it is this old, while there is activity... */
const REPORT_EVERY = 5 * SECOND;
/** ...or when this many events are in it. */
const REPORT_AT = 500;

/** Reports what a partition learned: compact deltas, no users, numbered so that each counts once. */
export class Reporting {
  readonly #predictor: Predictor;
  readonly #address: PartitionAddress;
  readonly #stats: Stats;
  readonly #send: (report: Report) => Promise<unknown>;
  readonly #now: () => number;
  /** When this instance began: with the sequence, what makes a report unique. */
  readonly incarnation: number;
  #sequence = 0;
  #sentAt: number;
  #unreported = 0;

  constructor(parts: {
    predictor: Predictor;
    address: PartitionAddress;
    stats: Stats;
    send: (report: Report) => Promise<unknown>;
    now: () => number;
  }) {
    this.#predictor = parts.predictor;
    this.#address = parts.address;
    this.#stats = parts.stats;
    this.#send = parts.send;
    this.#now = parts.now;
    this.incarnation = parts.now();
    this.#sentAt = parts.now();
  }

  /** An event was learned from; `missed` is null for events that are no reads. */
  note(event: ShardEvent, missed: boolean | null): void {
    this.#unreported++;
    if (event.shard !== undefined && missed !== null) this.#predictor.demand(event.shard, missed);
  }

  /** Sends a report when one is due; only ever called while there is activity. */
  sendWhenDue(): void {
    if (this.#unreported < REPORT_AT && this.#now() - this.#sentAt < REPORT_EVERY) return;
    this.send().catch(() => this.#stats.faults++);
  }

  /** Sends what was learned and not yet reported. */
  async send(): Promise<void> {
    const body = this.#predictor.takeReport();
    this.#sentAt = this.#now();
    this.#unreported = 0;
    if (body === null) return;
    const { name: partition, region } = this.#address;
    this.#stats.reportsSent++;
    await this.#send({
      partition,
      region,
      incarnation: this.incarnation,
      sequence: this.#sequence++,
      time: Math.round(this.#now()),
      ...body,
    });
  }
}
