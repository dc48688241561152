import { type PrefetchMessage, queueDelay, toPlanned } from "../../src/contract/messages.ts";
import type { Clock } from "../../src/core/clock.ts";
import { FifoQueue } from "../../src/core/collections/fifo-queue.ts";
import type { Engine } from "../../src/core/engine/engine.ts";
import type { ShardEvent } from "../../src/core/event.ts";
import type { ControlArm } from "../../src/core/experiment/control-arm.ts";
import { isDistant, LEAD } from "../../src/core/prefetch/distant.ts";
import type { EventPart, PrefetchPlan } from "../../src/core/prefetch/plan.ts";
import type { Prefetch } from "../../src/core/prefetch/prefetch.ts";
import { epochMillis, SECOND } from "../../src/core/units.ts";
import type { MemoryTier } from "./memory-tier.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Outbox } from "./outbox.ts";
import type { Prefetcher } from "./prefetcher.ts";
import type { Reporting } from "./reporting.ts";
import type { Stats } from "./stats.ts";

/** Events not yet learned from; at a thousand a second this is ten seconds of neglect. */
const MAX_EVENTS_WAITING = 10_000;
/** Events learned from in one go, a few milliseconds, before reads get their turn again. */
const SLICE = 100;
/** A plan is given at least this long to be fetched: with fast users the engine's own horizon can be a moment. */
const MIN_TIME_TO_FETCH = SECOND;

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
  /** Another partition of the region answered the read; this is its user's home. */
  readonly isForwarded?: boolean;
}

/** What an {@link EventProcessor} works with. */
export interface EventProcessorDeps {
  readonly neighbours: Neighbours;
  readonly outbox: Outbox;
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
    this.#learn(event, false);
    this.#deps.outbox.flush();
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
      if (observed.outcome?.missed !== true) this.#learn(observed.event, observed.isForwarded === true);
    }
  }

  #report({ event, outcome, isForwarded = false }: Observed): void {
    const { reporting, neighbours } = this.#deps;
    // A neighbour passes on what was read there.
    if (isForwarded || neighbours.homeOf(event.user) === null)
      reporting.observe({ ...event, isRead: isForwarded || outcome !== null });
  }

  /** The cache's part where the shard is this partition's, the rest where the user is. */
  #learn(event: ShardEvent, isForwarded: boolean): void {
    const { engine, prefetcher, stats, neighbours, outbox } = this.#deps;
    const home = isForwarded ? null : neighbours.homeOf(event.user);
    if (home !== null) outbox.event(home, event);
    else stats.eventsLearned++;
    const isOwn = event.shard === undefined || (!isForwarded && neighbours.ownerOf(event.shard) === null);
    const part: EventPart = home !== null ? "cache" : isOwn ? "whole" : "mind";
    const { outcome, plans } = engine.request(event, prefetcher.refusal(event.user), part);
    if (outcome === "late") stats.late++;
    if (plans.length > 0) this.#dispatch(plans);
  }

  /** To whom the shard belongs: what is due soon is fetched at once, the rest takes the queue, delayed to arrive in time. */
  #dispatch(plans: readonly PrefetchPlan[]): void {
    const { prefetcher, outbox, neighbours, clock } = this.#deps;
    const now = epochMillis(clock.now());
    const own: Prefetch[] = [];
    for (const plan of plans) {
      const expires = epochMillis(Math.max(plan.expires, now + MIN_TIME_TO_FETCH));
      const prefetch = { ...plan, expires };
      const owner = neighbours.ownerOf(plan.shard);
      if (isDistant(prefetch, now)) this.#postpone(prefetch, owner ?? neighbours.own, now);
      else if (owner === null) own.push(prefetch);
      else outbox.prefetch(owner, { ...prefetch, reason: "neighbour" });
    }
    prefetcher.enqueue(own);
  }

  #postpone(plan: Prefetch, owner: string, now: number): void {
    const { engine, sendPrefetch, stats } = this.#deps;
    engine.postpone(plan);
    const message = { partition: owner, reason: plan.reason, prefetches: [toPlanned(plan)] };
    sendPrefetch(message, queueDelay(plan.arrival, now, LEAD)).catch(() => {
      stats.faults++;
      engine.prefetchFailed(plan.shard);
    });
  }
}
