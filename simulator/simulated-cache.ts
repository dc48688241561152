import type { Admission } from "../src/core/cache/admission.ts";
import type { CalibrationStats } from "../src/core/learning/calibration-stats.ts";
import { type Bytes, bytes, type EpochMillis, epochMillis } from "../src/core/units.ts";
import type { CachePolicy } from "./cache-policy.ts";

/** The request being simulated. One object is filled in anew for each, so nobody may keep it. */
export interface SimulatedRequest {
  /** Number of the request in the trace, from 0. */
  row: number;
  time: EpochMillis;
  client: string;
  eventType: string;
  object: string;
  /** What the object takes of the capacity: its bytes, or 1 where the cache counts objects. */
  size: Bytes;
}

/** A request before the first. */
export const noRequest = (): SimulatedRequest => ({
  row: -1,
  time: epochMillis(0),
  client: "",
  eventType: "",
  object: "",
  size: bytes(1),
});

/**
 * What competes in the simulator: a cache, perhaps with predictions of its own of what comes next.
 *
 * For each request the simulator calls `request`, `fill` if that missed, then `plan`, and `fillPrefetched` for
 * each planned object once it has arrived.
 */
export interface SimulatedCache {
  readonly name: string;
  /** Takes note of a request; true when its object is resident. */
  request(request: SimulatedRequest): boolean;
  /** The object asked for has been read after a miss. */
  fill(request: SimulatedRequest): Admission;
  /** Objects to read now, none of them resident. */
  plan(request: SimulatedRequest): readonly string[];
  /** A planned object has arrived, and nobody has asked for it since it was planned. */
  fillPrefetched(object: string, size: Bytes, now: EpochMillis): Admission;
  /** A planned object has arrived that somebody has come for meanwhile, so that it was filled for them. */
  overtaken?(object: string, size: Bytes, now: EpochMillis): void;
  /** How good its probabilities were, if it gives any. */
  readonly reliability?: CalibrationStats;
}

const NO_PLAN: readonly string[] = [];
const NOT_PLANNED: Admission = { admitted: false, evicted: [] };

/** A cache policy on its own: it never prefetches. */
export class PolicyCache implements SimulatedCache {
  readonly name: string;
  readonly #policy: CachePolicy;

  constructor(policy: CachePolicy) {
    this.name = policy.name;
    this.#policy = policy;
  }

  request(request: SimulatedRequest): boolean {
    return this.#policy.access(request.object);
  }

  fill(request: SimulatedRequest): Admission {
    return this.#policy.admit(request.object, request.size);
  }

  plan(): readonly string[] {
    return NO_PLAN;
  }

  fillPrefetched(): Admission {
    return NOT_PLANNED;
  }
}
