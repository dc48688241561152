import type { Report } from "../../src/contract/messages.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { ControlArm } from "../../src/core/experiment/control-arm.ts";
import { countsBetween, countsOf, noCounts, type ReadCounts } from "../../src/core/reporting/read-counts.ts";
import { type ReportedEvent, Reporter } from "../../src/core/reporting/reporter.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { SECOND } from "../../src/core/units.ts";
import { countsNow, type Stats } from "./stats.ts";

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
  readonly #arm: ControlArm;
  readonly #send: (report: Report) => Promise<unknown>;
  readonly #clock: Clock;
  /** When this instance began: with the sequence, what makes a report unique. */
  readonly incarnation: number;
  #sequence = 0;
  /** The counts that are in reports already. */
  #reported: ReadCounts = noCounts();
  #sentAt: number;

  constructor(parts: {
    address: PartitionAddress;
    stats: Stats;
    arm: ControlArm;
    send: (report: Report) => Promise<unknown>;
    clock: Clock;
  }) {
    this.#address = parts.address;
    this.#stats = parts.stats;
    this.#arm = parts.arm;
    this.#send = parts.send;
    this.#clock = parts.clock;
    this.incarnation = parts.clock.now();
    this.#sentAt = parts.clock.now();
  }

  /** What instances before this one counted: it has been reported. */
  goOnFrom(counts: ReadCounts): void {
    this.#reported = counts;
  }

  /**
   * An event of a user whose home this is. A shard whose id names the user is left out: what leaves a partition names
   * nobody. O(lookahead).
   */
  observe({ shard, ...event }: ReportedEvent): void {
    const telling = shard !== undefined && event.user.length >= MIN_NAME && shard.includes(event.user);
    this.#reporter.observe(shard === undefined || telling ? event : { ...event, shard });
  }

  /** A prediction was made with `probability`, and its prefetch was used or not. */
  calibrate(probability: number, used: boolean): void {
    this.#reporter.calibrate(probability, used);
  }

  /** Sends a report when one is due, or at once on a significant change; only ever called while there is activity. */
  sendWhenDue(atOnce: boolean): void {
    if (!atOnce && this.#reporter.events < REPORT_AT && this.#clock.now() - this.#sentAt < REPORT_EVERY)
      return;
    this.send().catch(() => this.#stats.faults++);
  }

  /** Sends what was learned and not yet reported. */
  async send(): Promise<void> {
    const counts = countsNow(this.#stats, this.#arm);
    const totals = countsBetween(this.#reported, counts);
    const body = this.#reporter.take(totals);
    this.#sentAt = this.#clock.now();
    if (body === null) return;
    this.#reported = counts;
    const { name: partition, region } = this.#address;
    this.#stats.reportsSent++;
    const report = {
      partition,
      region,
      incarnation: this.incarnation,
      sequence: this.#sequence++,
      time: Math.round(this.#clock.now()),
      ...body,
    };
    try {
      await this.#send(report);
    } catch (error) {
      // What was learned is lost; what was counted goes with the next one.
      this.#reported = countsOf((name) => this.#reported[name] - totals[name]);
      throw error;
    }
  }
}
