import type { Settings } from "../../src/contract/settings.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Engine } from "../../src/core/engine/engine.ts";
import { type ControlArm, isControl } from "../../src/core/experiment/control-arm.ts";
import type { Refusal } from "../../src/core/prefetch/gate.ts";
import type { Prefetch } from "../../src/core/prefetch/prefetch.ts";
import { PrefetchQueue } from "../../src/core/prefetch/prefetch-queue.ts";
import { epochMillis, MINUTE } from "../../src/core/units.ts";
import type { DiskLoader } from "./disk-loader.ts";
import type { Copy, MemoryTier } from "./memory-tier.ts";
import type { SingleFlight } from "./single-flight.ts";
import type { Stats } from "./stats.ts";

/** Prefetches waiting in one partition: a few seconds of work, so that what waits is not late when its turn comes. */
const MAX_WAITING = 500;

/** What a prefetcher works with. */
export interface PrefetcherDeps {
  readonly engine: Engine;
  readonly arm: ControlArm;
  readonly fills: SingleFlight;
  readonly loader: DiskLoader;
  /** Whether a copy may be served without asking the storage, when the lease being asked for is there. */
  readonly mayServe: (copy: Copy) => boolean;
  readonly leaseSettled: () => Promise<void>;
  readonly memory: MemoryTier;
  readonly stats: Stats;
  readonly settings: () => Settings;
  readonly clock: Clock;
}

/**
 * Fetches what the gate let through before it is asked for: by predicted arrival, few at a time, within a budget; from
 * SQLite where it is there and may be served. Others' proposals go through the gate here, where those from SQLite pay no
 * read; the own predictor's went through it when they were made.
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
      else void this.#bring(next);
    }
  }

  async #bring(prefetch: Prefetch): Promise<void> {
    const { engine, loader, memory, stats } = this.#deps;
    const { shard, reason } = prefetch;
    const isAtHand = loader.has(shard);
    this.#active++;
    try {
      const isLoaded = isAtHand && (await this.#load(prefetch));
      // What others proposed for nothing, but must not be served, is not worth a read.
      const isPaid = !isAtHand || reason === "predicted";
      const isHere = isLoaded ? memory.peek(shard) !== undefined : isPaid && (await this.#fetch(prefetch));
      if (!isHere) engine.prefetchFailed(shard);
    } catch {
      stats.faults++; // A failed prefetch costs nobody anything: the read itself will try again.
      engine.prefetchFailed(shard);
    } finally {
      this.#active--;
      this.#pump();
    }
  }

  /** From SQLite; false when what is there must not be served. */
  async #load({ shard, expires }: Prefetch): Promise<boolean> {
    const { loader, leaseSettled, mayServe } = this.#deps;
    await leaseSettled();
    return (await loader.load(shard, { kind: "prefetch", expires }, mayServe)) !== null;
  }

  async #fetch({ shard, expires }: Prefetch): Promise<boolean> {
    const { arm, fills, stats } = this.#deps;
    this.#startedThisMinute++;
    stats.prefetchesIssued++;
    arm.issued(1);
    const fetched = await fills.fetch(shard, { kind: "prefetch", expires }).result;
    return fetched.kind === "copy" && fetched.stored;
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
