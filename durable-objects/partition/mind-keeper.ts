import { openMind, type PartitionMind, seal } from "../../src/contract/mind.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";
import { SaveSchedule } from "./save-schedule.ts";

/** The key of the mind. */
export const MIND = "mind";

/** What a {@link MindKeeper} works with. */
export interface MindKeeperDeps {
  readonly storage: NodeStorage;
  readonly clock: Clock;
  readonly onFault: () => void;
}

/** Keeps a partition's mind in its storage, as one row. */
export class MindKeeper {
  readonly #deps: MindKeeperDeps;
  #schedule = new SaveSchedule();
  #isKept = false;

  constructor(deps: MindKeeperDeps) {
    this.#deps = deps;
  }

  /** Whether there is a mind of its own: one was stored, or has been since. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /**
   * Hands over the mind stored, where there is one. One that is damaged, of another version, or not understood by `take`,
   * which then changes nothing, is dropped: a fault.
   */
  load(take: (mind: PartitionMind) => void): void {
    try {
      const stored = this.#deps.storage.kv.get(MIND);
      if (stored === undefined || stored === null) return;
      take(openMind(stored));
      this.#isKept = true;
    } catch {
      this.#deps.onFault();
    }
  }

  /** Something was learned. O(1). */
  note(): void {
    this.#schedule.note(this.#deps.clock.now());
  }

  /** Saves what `mind` gives when it is time; answers in how many ms to ask again, null when there is nothing left. */
  saveWhenDue(mind: () => PartitionMind): number | null {
    const wait = this.#schedule.wait(this.#deps.clock.now());
    if (wait !== 0) return wait;
    this.#schedule.saved(this.#deps.clock.now());
    // Unconfirmed: no response waits for it, and losing it loses only warmth.
    this.#put(mind(), true).catch(this.#deps.onFault);
    return null;
  }

  /** An empty mind takes the place of the one there was, for certain. */
  async forget(empty: PartitionMind): Promise<void> {
    this.#schedule = new SaveSchedule();
    await this.#put(empty, false);
  }

  #put(mind: PartitionMind, allowUnconfirmed: boolean): Promise<void> {
    this.#isKept = true;
    return this.#deps.storage.put(MIND, seal(mind), { allowUnconfirmed });
  }
}
