import { MAX_PREFETCH_KEYS, type PrefetchMessage, type Report } from "../../src/contract/messages.ts";
import type { Settings } from "../../src/contract/settings.ts";
import type { Engine } from "../../src/core/engine/engine.ts";
import type { ShardEvent } from "../../src/core/event.ts";
import { type MapSlice, Predictor } from "../../src/core/learning/predictor.ts";
import { decide } from "../../src/core/prefetch-decision.ts";
import { FifoQueue } from "../../src/core/queues/fifo-queue.ts";
import type { Prefetch } from "../../src/core/queues/prefetch-queue.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { epochMillis, SECOND } from "../../src/core/units.ts";
import type { Prefetcher } from "./prefetcher.ts";
import type { Stats } from "./stats.ts";

/** Events not yet learned from; at a thousand a second this is ten seconds of neglect. */
const MAX_EVENTS_WAITING = 10_000;
/** Events learned from in one go, a millisecond or two, before reads get their turn again. */
const SLICE = 100;
/** A report goes out when it is this old, while there is activity... */
const REPORT_EVERY = 5 * SECOND;
/** ...or when this many events are in it. */
const REPORT_AT = 500;
/** What is due later than this can take the way through the queue, which delivers in a second or two. */
const QUEUE_FROM = 10 * SECOND;
/** A plan is given at least this long to be fetched: with fast users the engine's own horizon can be a moment. */
const LEAST_PATIENCE = SECOND;
/** How much before its arrival a queued prefetch should be delivered. */
const QUEUE_LEAD = 5 * SECOND;

/** An event with what its read came to, if it was one. */
export interface Observed {
  readonly event: ShardEvent;
  /** Whether the read waited for R2; null for events that are no reads. */
  readonly missed: boolean | null;
}

/** Learns from a partition's events after their responses, prefetches from what it learned, and reports it. */
export class Learner {
  readonly #events = new FifoQueue<Observed>(MAX_EVENTS_WAITING);
  readonly #predictor = new Predictor();
  readonly #engine: Engine;
  readonly #address: PartitionAddress;
  readonly #prefetcher: Prefetcher;
  readonly #stats: Stats;
  readonly #settings: () => Settings;
  readonly #send: {
    report(report: Report): Promise<unknown>;
    prefetch(message: PrefetchMessage, delay: number): Promise<unknown>;
  };
  readonly #now: () => number;
  /** Called when a batch of events has been learned from. */
  readonly #afterwards: () => void;
  readonly #incarnation: number;
  #sequence = 0;
  #scheduled = false;
  #reportedAt: number;
  #unreported = 0;

  constructor(parts: {
    address: PartitionAddress;
    engine: Engine;
    prefetcher: Prefetcher;
    stats: Stats;
    settings: () => Settings;
    send: {
      report(report: Report): Promise<unknown>;
      prefetch(message: PrefetchMessage, delay: number): Promise<unknown>;
    };
    now: () => number;
    afterwards: () => void;
  }) {
    this.#address = parts.address;
    this.#engine = parts.engine;
    this.#prefetcher = parts.prefetcher;
    this.#stats = parts.stats;
    this.#settings = parts.settings;
    this.#send = parts.send;
    this.#now = parts.now;
    this.#afterwards = parts.afterwards;
    this.#incarnation = parts.now();
    this.#reportedAt = parts.now();
  }

  get waiting(): number {
    return this.#events.length;
  }
  get dropped(): number {
    return this.#events.dropped;
  }
  get incarnation(): number {
    return this.#incarnation;
  }

  /**
   * Learns from the event of a read that now waits for R2: the wait is time to spend, and what is predicted from the
   * event is fetched alongside. Events before it come first.
   */
  learnNow(event: ShardEvent): void {
    for (let i = 0; i < SLICE; i++) {
      const observed = this.#events.shift();
      if (observed === undefined) break;
      this.#learn(observed);
    }
    this.#learn({ event, missed: true });
    this.#schedule();
  }

  /** Puts an event on the event queue; the work happens when the response is on its way. O(1). */
  enqueue(observed: Observed): boolean {
    const taken = this.#events.push(observed);
    this.#schedule();
    return taken;
  }

  applySlice(slice: MapSlice): void {
    this.#predictor.applySlice(slice);
  }

  forget(): void {
    this.#events.clear();
    this.#predictor.forget();
    this.#unreported = 0;
  }

  /** Sends what was learned and not yet reported. */
  async report(): Promise<void> {
    const body = this.#predictor.takeReport();
    this.#reportedAt = this.#now();
    this.#unreported = 0;
    if (body === null) return;
    const { name: partition, region } = this.#address;
    const time = Math.round(this.#now());
    this.#stats.reportsSent++;
    await this.#send.report({
      partition,
      region,
      incarnation: this.#incarnation,
      sequence: this.#sequence++,
      time,
      ...body,
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Zero delay: it only lets the response leave first, and keeps nothing awake.
    setTimeout(() => this.#drain(), 0);
  }

  #drain(): void {
    this.#scheduled = false;
    for (let i = 0; i < SLICE; i++) {
      const observed = this.#events.shift();
      if (observed === undefined) break;
      this.#learn(observed);
    }
    if (this.#events.length > 0) {
      this.#schedule();
      return;
    }
    if (this.#unreported >= REPORT_AT || this.#now() - this.#reportedAt >= REPORT_EVERY)
      this.#reportInBackground();
    this.#afterwards();
  }

  #learn({ event, missed }: Observed): void {
    this.#stats.eventsLearned++;
    this.#unreported++;
    if (event.shard !== undefined && missed !== null) this.#predictor.demand(event.shard, missed);
    const { plans } = this.#engine.request(event);
    const now = this.#now();
    this.#dispatch(
      plans.map(({ shard, probability, expectedDelay, expiresAt }) => ({
        shard,
        probability,
        arrival: epochMillis(now + expectedDelay),
        expires: epochMillis(Math.max(expiresAt, now + LEAST_PATIENCE)),
        reason: "predicted",
      })),
    );
    const candidates = this.#predictor.observe(event);
    const { prefetchMode: mode, prefetchThreshold: threshold, prefetchCost: cost } = this.#settings();
    this.#dispatch(decide(candidates, { mode, threshold, cost }, epochMillis(now)));
  }

  /** What is due soon is fetched here and now; the rest takes the queue, delayed to arrive in time. */
  #dispatch(prefetches: readonly Prefetch[]): void {
    const later = this.#now() + QUEUE_FROM;
    this.#prefetcher.offer(prefetches.filter((prefetch) => prefetch.arrival <= later));
    const distant = prefetches.filter((prefetch) => prefetch.arrival > later).slice(0, MAX_PREFETCH_KEYS);
    const [first] = distant;
    if (first === undefined) return;
    const delay = Math.floor((first.arrival - this.#now() - QUEUE_LEAD) / SECOND);
    const message: PrefetchMessage = {
      partition: this.#address.name,
      reason: "predicted",
      prefetches: distant.map(({ shard, probability, arrival, expires }) => ({
        shard,
        probability,
        arrival: Math.round(arrival),
        expires: Math.round(expires),
      })),
    };
    this.#send.prefetch(message, delay).catch(() => this.#stats.faults++);
  }

  #reportInBackground(): void {
    this.report().catch(() => this.#stats.faults++);
  }
}
