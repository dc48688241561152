import { MAX_PREFETCH_KEYS, type PrefetchMessage } from "../../src/contract/messages.ts";
import type { Settings } from "../../src/contract/settings.ts";
import { FifoQueue } from "../../src/core/collections/fifo-queue.ts";
import type { Engine } from "../../src/core/engine/engine.ts";
import type { ShardEvent } from "../../src/core/event.ts";
import { type ControlArm, isControl } from "../../src/core/experiment/control-arm.ts";
import type { PrefetchPlan } from "../../src/core/prefetch/plan.ts";
import type { Prefetch } from "../../src/core/prefetch/prefetch-queue.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { epochMillis, SECOND } from "../../src/core/units.ts";
import type { MemoryTier } from "./memory-tier.ts";
import type { Decisions, Verdict } from "./prefetch-history.ts";
import type { Prefetcher } from "./prefetcher.ts";
import type { Reporting } from "./reporting.ts";
import type { Stats } from "./stats.ts";

/** Events not yet learned from; at a thousand a second this is ten seconds of neglect. */
const MAX_EVENTS_WAITING = 10_000;
/** Events learned from in one go, a few milliseconds, before reads get their turn again. */
const SLICE = 100;
/** A plan is given at least this long to be fetched: with fast users the engine's own horizon can be a moment. */
const MIN_TIME_TO_FETCH = SECOND;
/** What is due later than this can take the way through the queue, which delivers in a second or two. */
const QUEUE_FROM = 30 * SECOND;
/** How much before its arrival a queued prefetch should be delivered. */
const QUEUE_LEAD = 5 * SECOND;

/** What a read came to. */
export interface ReadStats {
  readonly missed: boolean;
  readonly prefetched: boolean;
  readonly millis: number;
  readonly size: number;
}

/** The longest a queue holds a message back is a day; half of it is long past any use, seconds. */
const MAX_DELAY = 12 * 3_600;

/** An event with what its read came to, if it was one. */
export interface Observed {
  readonly event: ShardEvent;
  /** Null for events that are no reads. */
  readonly outcome: ReadStats | null;
}

/** What a learner works with. */
export interface EventProcessorDeps {
  readonly address: PartitionAddress;
  readonly engine: Engine;
  readonly memory: MemoryTier;
  readonly prefetcher: Prefetcher;
  readonly reporting: Reporting;
  readonly arm: ControlArm;
  readonly decisions: Decisions;
  readonly stats: Stats;
  readonly settings: () => Settings;
  readonly sendPrefetch: (message: PrefetchMessage, delaySeconds: number) => Promise<unknown>;
  readonly now: () => number;
  /** Called when a batch of events has been learned from. */
  readonly afterwards: () => void;
}

/** Learns from a partition's events, behind the responses, and prefetches from what it learned. */
export class EventProcessor {
  readonly #events = new FifoQueue<Observed>(MAX_EVENTS_WAITING);
  readonly #parts: EventProcessorDeps;
  #scheduled = false;

  constructor(parts: EventProcessorDeps) {
    this.#parts = parts;
  }

  get waiting(): number {
    return this.#events.length;
  }
  get dropped(): number {
    return this.#events.dropped;
  }

  /**
   * Learns from the event of a read that now waits for R2: the wait is time to spend, and what is predicted from the
   * event is fetched alongside. Events before it come first.
   */
  learnNow(event: ShardEvent): void {
    this.#learnSome();
    if (event.shard !== undefined && this.#parts.memory.tookPushedOut(event.shard))
      this.#parts.arm.pushedOut();
    this.#learn(event);
    this.#schedule();
  }

  /** Puts an event on the event queue; the work happens when the response is on its way. O(1). */
  enqueue(observed: Observed): boolean {
    const taken = this.#events.push(observed);
    this.#schedule();
    return taken;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Zero delay: it only lets the response leave first, and keeps nothing awake.
    setTimeout(() => this.#drain(), 0);
  }

  #drain(): void {
    this.#scheduled = false;
    this.#learnSome();
    if (this.#events.length > 0) {
      this.#schedule();
      return;
    }
    this.#parts.reporting.sendWhenDue(this.#parts.engine.takePatternChange());
    this.#parts.afterwards();
  }

  #learnSome(): void {
    for (let i = 0; i < SLICE; i++) {
      const observed = this.#events.shift();
      if (observed === undefined) return;
      this.#report(observed);
      // A read that waited was learned from meanwhile.
      if (observed.outcome?.missed !== true) this.#learn(observed.event);
    }
  }

  #report({ event, outcome }: Observed): void {
    const { reporting } = this.#parts;
    if (outcome === null) {
      reporting.observe({ ...event, missed: null });
      return;
    }
    const { missed, prefetched, millis: latency, size: bytes } = outcome;
    reporting.observe({ ...event, missed, prefetched, latency, bytes });
  }

  #learn(event: ShardEvent): void {
    const { engine, stats } = this.#parts;
    stats.eventsLearned++;
    const verdict = this.#verdict(event);
    this.#judge(engine.request(event).plans, event, verdict);
  }

  /** Whether this event may lead to prefetches at all. */
  #verdict(event: ShardEvent): Verdict {
    const { arm, settings, now } = this.#parts;
    if (isControl(event.user)) return "control";
    const { prefetchMode, prefetchCost, dollarsPerMillionReads } = settings();
    const paused =
      prefetchMode === "automatic" && arm.isPaused({ prefetchCost, dollarsPerMillionReads }, now());
    return paused ? "paused" : "issued";
  }

  #judge(plans: readonly PrefetchPlan[], event: ShardEvent, verdict: Verdict): void {
    const { engine, now } = this.#parts;
    for (const { shard, source, probability, price } of plans) {
      this.#note(shard, event, source, probability, price, verdict);
      if (verdict !== "issued") engine.fillFailed(shard, false);
    }
    if (verdict !== "issued" || plans.length === 0) return;
    const time = now();
    this.#dispatch(
      plans.map(({ shard, probability, expectedDelay, expiresAt }) => ({
        shard,
        probability,
        arrival: epochMillis(time + expectedDelay),
        expires: epochMillis(Math.max(expiresAt, time + MIN_TIME_TO_FETCH)),
        reason: "predicted",
      })),
    );
  }

  #note(
    shard: string,
    event: ShardEvent,
    expert: string,
    probability: number,
    price: number,
    verdict: Verdict,
  ) {
    const after = event.shard === undefined ? {} : { after: event.shard };
    const at = this.#parts.now();
    this.#parts.decisions.note(shard, {
      at,
      event: event.type,
      ...after,
      expert,
      probability,
      price,
      verdict,
    });
  }

  /** What is due soon is fetched here and now; the rest takes the queue, delayed to arrive in time. */
  #dispatch(prefetches: readonly Prefetch[]): void {
    const { prefetcher, address, sendPrefetch, stats, now } = this.#parts;
    const later = now() + QUEUE_FROM;
    prefetcher.offer(prefetches.filter((prefetch) => prefetch.arrival <= later));
    const distant = prefetches.filter((prefetch) => prefetch.arrival > later).slice(0, MAX_PREFETCH_KEYS);
    const [first] = distant;
    if (first === undefined) return;
    const delay = Math.min(MAX_DELAY, Math.max(0, Math.floor((first.arrival - now() - QUEUE_LEAD) / SECOND)));
    const message: PrefetchMessage = {
      partition: address.name,
      reason: "predicted",
      prefetches: distant.map(({ shard, probability, arrival, expires }) => ({
        shard,
        probability,
        arrival: Math.round(arrival),
        expires: Math.round(expires),
      })),
    };
    sendPrefetch(message, delay).catch(() => stats.faults++);
  }
}
