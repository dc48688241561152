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
  readonly #schedule = new SaveSchedule();
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
    this.save(mind());
    return null;
  }

  /** Saves it now. Unconfirmed: no response waits for it, and losing it loses only warmth. */
  save(mind: PartitionMind): void {
    const { storage, clock, onFault } = this.#deps;
    this.#schedule.saved(clock.now());
    this.#isKept = true;
    storage.put(MIND, seal(mind), { allowUnconfirmed: true }).catch(onFault);
  }
}
