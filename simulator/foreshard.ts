import FlatQueue from "flatqueue";
import type { Admission } from "../src/core/cache/admission.ts";
import { Engine } from "../src/core/engine/engine.ts";
import type { EngineSettings } from "../src/core/engine/settings.ts";
import type { CalibrationStats } from "../src/core/learning/calibration-stats.ts";
import { isDistant, LEAD } from "../src/core/prefetch/distant.ts";
import type { PrefetchPlan } from "../src/core/prefetch/plan.ts";
import type { Prefetch } from "../src/core/prefetch/prefetch.ts";
import type { Bytes, EpochMillis } from "../src/core/units.ts";
import type { SimulatedCache, SimulatedRequest } from "./simulated-cache.ts";

const NO_PLANS: readonly PrefetchPlan[] = [];

/** Foreshard's engine, the one that partitions run, in the place of a partition. */
export class Foreshard implements SimulatedCache {
  readonly name: string;
  readonly #engine: Engine;
  /** Plans that were put off, by when they are due. */
  readonly #postponed = new FlatQueue<PrefetchPlan>();
  #plans = NO_PLANS;

  constructor(name: string, capacity: Bytes, settings: Partial<EngineSettings>) {
    this.name = name;
    this.#engine = new Engine(capacity, settings);
  }

  get reliability(): CalibrationStats {
    return this.#engine.reliability;
  }

  get modelBytes(): number {
    return this.#engine.modelBytes;
  }

  request({ eventType, object, client, time }: SimulatedRequest): boolean {
    const answer = this.#engine.request({ type: eventType, shard: object, user: client, time, region: "" });
    this.#plans = answer.plans;
    return answer.outcome === "hit";
  }

  fill({ object, size, time }: SimulatedRequest): Admission {
    return this.#engine.fill(object, size, "demand", time);
  }

  plan({ time }: SimulatedRequest): readonly string[] {
    const due = this.#takeDue(time);
    const distant = this.#plans.filter((plan) => isDistant(plan, time));
    for (const plan of distant) {
      this.#engine.postpone(plan);
      this.#postponed.push(plan, plan.arrival - LEAD);
    }
    return [...this.#plans.filter((plan) => !distant.includes(plan)), ...due].map(({ shard }) => shard);
  }

  fillPrefetched(object: string, size: Bytes, now: EpochMillis): Admission {
    return this.#engine.fill(object, size, "prefetch", now);
  }

  /** What was put off and is still worth it now that its time has come. */
  #takeDue(now: EpochMillis): readonly Prefetch[] {
    const due: PrefetchPlan[] = [];
    while ((this.#postponed.peekValue() ?? Number.POSITIVE_INFINITY) <= now) {
      const plan = this.#postponed.pop();
      if (plan !== undefined && plan.expires > now) due.push(plan);
    }
    return due.length === 0 ? due : this.#engine.consider(due, now, null);
  }

  /** The copy is resident, having been filled for whoever came; the engine still wants to know what the fill took. */
  overtaken(object: string, size: Bytes, now: EpochMillis): void {
    if (this.#engine.has(object)) this.#engine.fill(object, size, "prefetch", now);
    else this.#engine.prefetchFailed(object);
  }
}
