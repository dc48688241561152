import type { Admission, CachePolicy } from "../../src/core/cache/policy.ts";
import type { Engine } from "../../src/core/engine/engine.ts";
import { type Bytes, type EpochMillis, epochMillis } from "../../src/core/units.ts";

/**
 * The prediction engine as the policy of a memory tier. Accesses teach it nothing here: it learns from the events,
 * which the learner hands it behind the responses, so that a hit costs no more than a look-up.
 */
export class EnginePolicy implements CachePolicy {
  readonly name = "foreshard";
  readonly #engine: Engine;
  #now: EpochMillis = epochMillis(0);

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get capacity(): Bytes {
    return this.#engine.capacity;
  }
  get used(): Bytes {
    return this.#engine.used;
  }
  get count(): number {
    return this.#engine.count;
  }

  has(id: string): boolean {
    return this.#engine.has(id);
  }

  access(id: string): boolean {
    return this.#engine.has(id);
  }

  advance(now: EpochMillis): void {
    this.#now = now;
  }

  admit(id: string, size: Bytes): Admission {
    return this.#engine.fill(id, size, "demand", this.#now);
  }

  admitPrefetched(id: string, size: Bytes, _expiresAt: EpochMillis, now: EpochMillis): Admission {
    this.#now = now;
    return this.#engine.fill(id, size, "prefetch", now);
  }

  remove(id: string): boolean {
    return this.#engine.remove(id);
  }

  resize(capacity: Bytes): readonly string[] {
    return this.#engine.resize(capacity);
  }
}
