import type { Admission } from "../src/core/cache/admission.ts";
import { Engine } from "../src/core/engine/engine.ts";
import type { EngineSettings } from "../src/core/engine/settings.ts";
import type { CalibrationStats } from "../src/core/learning/calibration-stats.ts";
import type { PrefetchPlan } from "../src/core/prefetch/plan.ts";
import type { Bytes, EpochMillis } from "../src/core/units.ts";
import type { SimulatedCache, SimulatedRequest } from "./simulated-cache.ts";

const NO_PLANS: readonly PrefetchPlan[] = [];

/** Foreshard's engine, the one that partitions run, in the place of a partition. */
export class Foreshard implements SimulatedCache {
  readonly name: string;
  readonly #engine: Engine;
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

  plan(): readonly string[] {
    return this.#plans.map(({ shard }) => shard);
  }

  fillPrefetched(object: string, size: Bytes, now: EpochMillis): Admission {
    return this.#engine.fill(object, size, "prefetch", now);
  }

  /** The copy is resident, having been filled for whoever came; the engine still wants to know what the fill took. */
  overtaken(object: string, size: Bytes, now: EpochMillis): void {
    if (this.#engine.has(object)) this.#engine.fill(object, size, "prefetch", now);
    else this.#engine.prefetchFailed(object);
  }
}
