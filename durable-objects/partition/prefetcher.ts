import type { Settings } from "../../src/contract/settings.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Engine } from "../../src/core/engine/engine.ts";
import { type ControlArm, isControl } from "../../src/core/experiment/control-arm.ts";
import type { Refusal } from "../../src/core/prefetch/gate.ts";
import type { Prefetch } from "../../src/core/prefetch/prefetch.ts";
import { PrefetchQueue } from "../../src/core/prefetch/prefetch-queue.ts";
import { epochMillis, MINUTE } from "../../src/core/units.ts";
import type { MemoryTier } from "./memory-tier.ts";
import type { SingleFlight } from "./single-flight.ts";
import type { Stats } from "./stats.ts";

/** Prefetches waiting in one partition: a few seconds of work, so that what waits is not late when its turn comes. */
const MAX_WAITING = 500;

/** What a prefetcher works with. */
export interface PrefetcherDeps {
  readonly engine: Engine;
  readonly arm: ControlArm;
  readonly fills: SingleFlight;
  readonly memory: MemoryTier;
  readonly stats: Stats;
  readonly settings: () => Settings;
  readonly clock: Clock;
}

/**
 * Fetches what the gate let through before it is asked for: by predicted arrival, few at a time, within a budget. Others'
 * proposals go through the gate here; the own predictor's went through it when they were made.
 */
export class Prefetcher {
  readonly #deps: PrefetcherDeps;
  readonly #queue = new PrefetchQueue(MAX_WAITING);
  #active = 0;
  #minute = 0;
  #startedThisMinute = 0;

  constructor(deps: PrefetcherDeps) {
    this.#deps = deps;
  }

  get waiting(): number {
    return this.#queue.length;
  }
  /** Whether there is no room for what others send; what the partition predicts itself still pushes in. */
  get isFull(): boolean {
    return this.#queue.length >= MAX_WAITING / 2;
  }
  get active(): number {
    return this.#active;
  }
  get expired(): number {
    return this.#queue.expired;
  }
  get refused(): number {
    return this.#queue.refused;
  }

  list(): readonly Prefetch[] {
    return this.#queue.list();
  }

  /** Why nothing may be fetched ahead now; for a user's sake when one is named. Null when nothing speaks against it. */
  refusal(user: string | null): Refusal | null {
    if (user !== null && isControl(user)) return "control";
    const { prefetchMode, prefetchCost, dollarsPerMillionReads } = this.#deps.settings();
    const isPaused =
      prefetchMode === "automatic" &&
      this.#deps.arm.isPaused({ prefetchCost, dollarsPerMillionReads }, this.#deps.clock.now());
    return isPaused ? "paused" : null;
  }

  /** Others propose: what the gate lets through is queued. */
  consider(proposals: readonly Prefetch[]): void {
    const { engine, clock } = this.#deps;
    this.enqueue(engine.consider(proposals, epochMillis(clock.now()), this.refusal(null)));
  }

  /** Queues what the gate let through, and starts what can start. */
  enqueue(prefetches: readonly Prefetch[]): void {
    for (const prefetch of prefetches)
      if (this.#isHere(prefetch.shard) || !this.#queue.push(prefetch))
        this.#deps.engine.prefetchFailed(prefetch.shard);
    this.#pump();
  }

  /** The shard was asked for: no need to fetch it ahead. O(1). */
  demanded(id: string): void {
    this.#queue.cancel(id);
  }

  #isHere(shard: string): boolean {
    return this.#deps.memory.peek(shard) !== undefined || this.#deps.fills.isInFlight(shard);
  }

  #pump(): void {
    while (this.#active < this.#deps.settings().prefetchConcurrency && this.#withinBudget()) {
      const next = this.#queue.pop(epochMillis(this.#deps.clock.now()));
      if (next === undefined) return;
      if (this.#isHere(next.shard)) this.#deps.engine.prefetchFailed(next.shard);
      else void this.#fetch(next);
    }
  }

  async #fetch({ shard, expires }: Prefetch): Promise<void> {
    const { engine, arm, fills, stats } = this.#deps;
    this.#active++;
    this.#startedThisMinute++;
    stats.prefetchesIssued++;
    arm.issued(1);
    try {
      const fetched = await fills.fetch(shard, { kind: "prefetch", expires }).result;
      if (fetched.kind !== "copy" || !fetched.stored) engine.prefetchFailed(shard);
    } catch {
      stats.faults++; // A failed prefetch costs nobody anything: the read itself will try again.
      engine.prefetchFailed(shard);
    } finally {
      this.#active--;
      this.#pump();
    }
  }

  #withinBudget(): boolean {
    const minute = Math.floor(this.#deps.clock.now() / MINUTE);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#startedThisMinute = 0;
    }
    return this.#startedThisMinute < this.#deps.settings().prefetchesPerMinute;
  }
}
