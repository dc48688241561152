import type { Settings } from "../../src/contract/settings.ts";
import type { Engine } from "../../src/core/engine/engine.ts";
import type { ControlArm } from "../../src/core/experiment/control-arm.ts";
import { type Prefetch, PrefetchQueue } from "../../src/core/prefetch/prefetch-queue.ts";
import { epochMillis, MINUTE } from "../../src/core/units.ts";
import type { MemoryTier } from "./memory-tier.ts";
import type { Decisions } from "./prefetch-history.ts";
import type { Reporting } from "./reporting.ts";
import type { SingleFlight } from "./single-flight.ts";
import type { Stats } from "./stats.ts";

/** Prefetches waiting in one partition: a few seconds of work, so that what waits is not late when its turn comes. */
const MAX_WAITING = 500;
/** Ids remembered as not existing or too large to hold, so that a wrong guess costs one read and not one each time. */
const MAX_VAIN = 2_000;

/** Fetches shards before they are asked for: by predicted arrival, few at a time, within a budget. */
export class Prefetcher {
  readonly #queue = new PrefetchQueue(MAX_WAITING);
  readonly #vain = new Set<string>();
  readonly #fills: SingleFlight;
  readonly #memory: MemoryTier;
  readonly #stats: Stats;
  readonly #engine: Engine;
  readonly #arm: ControlArm;
  readonly #reporting: Reporting;
  readonly #decisions: Decisions;
  readonly #settings: () => Settings;
  readonly #now: () => number;
  #active = 0;
  #minute = 0;
  #startedThisMinute = 0;

  constructor(parts: {
    fills: SingleFlight;
    memory: MemoryTier;
    stats: Stats;
    engine: Engine;
    arm: ControlArm;
    reporting: Reporting;
    decisions: Decisions;
    settings: () => Settings;
    now: () => number;
  }) {
    this.#fills = parts.fills;
    this.#memory = parts.memory;
    this.#stats = parts.stats;
    this.#engine = parts.engine;
    this.#arm = parts.arm;
    this.#reporting = parts.reporting;
    this.#decisions = parts.decisions;
    this.#settings = parts.settings;
    this.#now = parts.now;
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

  /** Queues what is not here, not on its way and not known to be fetched in vain, and starts what can start. */
  offer(prefetches: readonly Prefetch[]): void {
    const off = this.#settings().prefetchMode === "off";
    for (const prefetch of prefetches) {
      const { shard } = prefetch;
      const inVain = this.#vain.has(shard);
      const pointless =
        off || inVain || this.#memory.peek(shard) !== undefined || this.#fills.isInFlight(shard);
      if (!pointless && this.#queue.push(prefetch)) continue;
      this.#engine.fillFailed(shard, inVain);
      this.#decisions.turned(shard, "not needed");
    }
    this.#pump();
  }

  /** The shard was asked for: no need to fetch it ahead. O(1). */
  demanded(id: string): void {
    this.#queue.cancel(id);
  }

  /** The shard was written or deleted: it may exist by now. */
  changed(id: string): void {
    this.#vain.delete(id);
  }

  #pump(): void {
    while (this.#active < this.#settings().prefetchConcurrency && this.#withinBudget()) {
      const next = this.#queue.pop(epochMillis(this.#now()));
      if (next === undefined) return;
      if (this.#memory.peek(next.shard) !== undefined || this.#fills.isInFlight(next.shard)) continue;
      void this.#fetch(next);
    }
  }

  async #fetch(prefetch: Prefetch): Promise<void> {
    this.#active++;
    this.#startedThisMinute++;
    this.#stats.prefetchesIssued++;
    this.#arm.issued(1);
    this.#reporting.prefetchIssued();
    try {
      const fetched = await this.#fills.fetch(prefetch.shard, { kind: "prefetch", expires: prefetch.expires })
        .result;
      if (fetched.kind === "copy") return;
      // Nothing to hold, now or at the next try: there is no such shard, or it is too large for the cache.
      this.#rememberVain(prefetch.shard);
      this.#failed(prefetch.shard, true);
    } catch {
      this.#stats.faults++; // A failed prefetch costs nobody anything: the read itself will try again.
      this.#failed(prefetch.shard, false);
    } finally {
      this.#active--;
      this.#pump();
    }
  }

  #failed(shard: string, inVain: boolean): void {
    this.#engine.fillFailed(shard, inVain);
    this.#decisions.turned(shard, "failed");
  }

  #withinBudget(): boolean {
    const minute = Math.floor(this.#now() / MINUTE);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#startedThisMinute = 0;
    }
    return this.#startedThisMinute < this.#settings().prefetchesPerMinute;
  }

  #rememberVain(id: string): void {
    if (this.#vain.size >= MAX_VAIN) this.#vain.clear();
    this.#vain.add(id);
  }
}
