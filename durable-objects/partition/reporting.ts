import type { Report } from "../../src/contract/messages.ts";
import { type ReportedEvent, Reporter } from "../../src/core/reporting/reporter.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { SECOND } from "../../src/core/units.ts";
import type { Stats } from "./stats.ts";

/** A report goes out when it is this old, while there is activity... */
const REPORT_EVERY = 5 * SECOND;
/** ...or when this many events are in it. */
const REPORT_AT = 500;

/** Users' names shorter than this are found in ids by chance. */
const MIN_NAME = 3;

/** Reports what a partition learned: compact deltas, no users, numbered so that each counts once. */
export class Reporting {
  readonly #reporter = new Reporter();
  readonly #address: PartitionAddress;
  readonly #stats: Stats;
  readonly #send: (report: Report) => Promise<unknown>;
  readonly #now: () => number;
  /** When this instance began: with the sequence, what makes a report unique. */
  readonly incarnation: number;
  #sequence = 0;
  #sentAt: number;

  constructor(parts: {
    address: PartitionAddress;
    stats: Stats;
    send: (report: Report) => Promise<unknown>;
    now: () => number;
  }) {
    this.#address = parts.address;
    this.#stats = parts.stats;
    this.#send = parts.send;
    this.#now = parts.now;
    this.incarnation = parts.now();
    this.#sentAt = parts.now();
  }

  /**
   * An event, and what its read came to. A shard whose id names the user is left out: what leaves a partition names
   * nobody. O(lookahead).
   */
  observe({ shard, ...event }: ReportedEvent): void {
    const telling = shard !== undefined && event.user.length >= MIN_NAME && shard.includes(event.user);
    this.#reporter.observe(shard === undefined || telling ? event : { ...event, shard });
  }

  prefetchIssued(): void {
    this.#reporter.prefetched(1);
  }

  /** A prediction was made with `probability`, and its prefetch was used or not. */
  calibrate(probability: number, used: boolean): void {
    this.#reporter.calibrate(probability, used);
  }

  /** Sends a report when one is due, or at once on a significant change; only ever called while there is activity. */
  sendWhenDue(atOnce: boolean): void {
    if (!atOnce && this.#reporter.events < REPORT_AT && this.#now() - this.#sentAt < REPORT_EVERY) return;
    this.send().catch(() => this.#stats.faults++);
  }

  /** Sends what was learned and not yet reported. */
  async send(): Promise<void> {
    const body = this.#reporter.take();
    this.#sentAt = this.#now();
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
