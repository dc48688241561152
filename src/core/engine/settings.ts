import type { PrefetchSettings } from "../prefetch/settings.ts";
import { type Bytes, MIB } from "../units.ts";

/** What an engine can be told, at any time. */
export interface EngineSettings extends PrefetchSettings {
  /** Bound of everything learned, the residents' own entries aside. */
  readonly modelBytes: Bytes;
  /** Seed of the eviction sampler. */
  readonly seed: number;
}

export const DEFAULT_SETTINGS: EngineSettings = {
  mode: "automatic",
  cost: 0.1,
  threshold: 0.3,
  budget: Number.POSITIVE_INFINITY,
  maxPerEvent: 8,
  modelBytes: (16 * MIB) as Bytes,
  seed: 20_240_229,
};
