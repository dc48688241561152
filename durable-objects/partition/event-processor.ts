import {
  MAX_PREFETCH_KEYS,
  type PrefetchMessage,
  queueDelay,
  toPlanned,
} from "../../src/contract/messages.ts";
import type { Clock } from "../../src/core/clock.ts";
import { FifoQueue } from "../../src/core/collections/fifo-queue.ts";
import type { Engine } from "../../src/core/engine/engine.ts";
import type { ShardEvent } from "../../src/core/event.ts";
import type { ControlArm } from "../../src/core/experiment/control-arm.ts";
import type { PrefetchPlan } from "../../src/core/prefetch/plan.ts";
import type { Prefetch } from "../../src/core/prefetch/prefetch.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";
import { epochMillis, SECOND } from "../../src/core/units.ts";
import type { MemoryTier } from "./memory-tier.ts";
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
interface ReadStats {
  readonly missed: boolean;
  readonly prefetched: boolean;
  readonly millis: number;
  readonly size: number;
}

/** An event with what its read came to, if it was one. */
export interface Observed {
  readonly event: ShardEvent;
  /** Null for events that are no reads. */
  readonly outcome: ReadStats | null;
}

/** What an {@link EventProcessor} works with. */
export interface EventProcessorDeps {
  readonly address: PartitionAddress;
  readonly engine: Engine;
  readonly memory: MemoryTier;
  readonly prefetcher: Prefetcher;
  readonly reporting: Reporting;
  readonly arm: ControlArm;
  readonly stats: Stats;
  readonly sendPrefetch: (message: PrefetchMessage, delaySeconds: number) => Promise<unknown>;
  readonly clock: Clock;
  /** Called when a batch of events has been learned from. */
  readonly afterwards: () => void;
}

/** Learns from a partition's events, behind the responses, and prefetches from what it learned. */
export class EventProcessor {
  readonly #events = new FifoQueue<Observed>(MAX_EVENTS_WAITING);
  readonly #deps: EventProcessorDeps;
  #scheduled = false;

  constructor(deps: EventProcessorDeps) {
    this.#deps = deps;
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
    const { memory, arm, stats } = this.#deps;
    if (event.shard !== undefined && memory.tookPushedOut(event.shard)) {
      arm.pushedOut();
      stats.pushedOut++;
    }
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
    this.#deps.clock.after(0, () => this.#drain());
  }

  #drain(): void {
    this.#scheduled = false;
    this.#learnSome();
    if (this.#events.length > 0) {
      this.#schedule();
      return;
    }
    this.#deps.reporting.sendWhenDue(this.#deps.engine.takePatternChange());
    this.#deps.afterwards();
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
    this.#deps.reporting.observe({ ...event, isRead: outcome !== null });
  }

  #learn(event: ShardEvent): void {
    const { engine, prefetcher, stats } = this.#deps;
    stats.eventsLearned++;
    const { outcome, plans } = engine.request(event, prefetcher.refusal(event.user));
    if (outcome === "late") stats.late++;
    if (plans.length > 0) this.#dispatch(plans);
  }

  /** What is due soon is fetched here and now; the rest takes the queue, delayed to arrive in time. */
  #dispatch(plans: readonly PrefetchPlan[]): void {
    const { prefetcher, engine, address, sendPrefetch, stats, clock } = this.#deps;
    const now = epochMillis(clock.now());
    const prefetches = plans.map((plan) => ({
      ...plan,
      expires: epochMillis(Math.max(plan.expires, now + MIN_TIME_TO_FETCH)),
    }));
    const isDistant = ({ arrival }: Prefetch): boolean => arrival > now + QUEUE_FROM;
    prefetcher.enqueue(prefetches.filter((prefetch) => !isDistant(prefetch)));
    const distant = prefetches.filter(isDistant).slice(0, MAX_PREFETCH_KEYS);
    if (distant.length === 0) return;
    for (const plan of distant) engine.postpone(plan, now);
    const first = Math.min(...distant.map(({ arrival }) => arrival));
    const message = {
      partition: address.name,
      reason: "predicted" as const,
      prefetches: distant.map(toPlanned),
    };
    sendPrefetch(message, queueDelay(first, now, QUEUE_LEAD)).catch(() => {
      stats.faults++;
      for (const { shard } of distant) engine.prefetchFailed(shard);
    });
  }
}
