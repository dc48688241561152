import type { Report } from "../../src/contract/messages.ts";
import { AppliedSequences, type AppliedState } from "../../src/core/correlation/applied-sequences.ts";
import { type PartitionTotal, PartitionTotals } from "../../src/core/correlation/partition-totals.ts";
import { type ModelPart, type ModelState, SharedModel } from "../../src/core/correlation/shared-model.ts";

/** What is learned, as it is stored: in one document, so that model and applied reports never disagree. */
export interface LearnedState {
  readonly model: ModelState;
  readonly applied: AppliedState;
  readonly totals: readonly PartitionTotal[];
}

/** What the coordinator learned from reports, each of which counts once however often it is delivered. */
export class Learned {
  readonly #without: readonly ModelPart[];
  #applied = new AppliedSequences();
  #totals = new PartitionTotals();
  model: SharedModel;

  /** @param without parts of the model left out, to measure what they add. */
  constructor(without: readonly ModelPart[] = []) {
    this.#without = without;
    this.model = new SharedModel({}, without);
  }

  /** Merges reports; returns how many were new. O(entries). */
  apply(reports: readonly Report[], now: number): number {
    let fresh = 0;
    for (const report of reports) {
      if (!this.#applied.claim(`${report.partition}@${report.incarnation}`, report.sequence)) continue;
      // A clock ahead of this one would make all else look old.
      this.model.merge(report.region, report, Math.min(report.time, now));
      this.#totals.add(report.partition, report.totals, now);
      fresh++;
    }
    return fresh;
  }

  /** What each partition reported since it was first heard of. */
  totals(): readonly PartitionTotal[] {
    return this.#totals.list();
  }

  toState(): LearnedState {
    return {
      model: this.model.toState(),
      applied: this.#applied.toState(),
      totals: this.#totals.list(),
    };
  }

  /** Takes over what was stored; false when it is damaged, and then nothing has changed. */
  restore({ model, applied, totals }: LearnedState): boolean {
    try {
      this.model = SharedModel.fromState(model, {}, this.#without);
    } catch {
      return false;
    }
    this.#applied = AppliedSequences.fromState(applied);
    this.#totals = PartitionTotals.fromState(totals);
    return true;
  }

  /** Forgets everything. */
  clear(): void {
    this.#applied = new AppliedSequences();
    this.#totals = new PartitionTotals();
    this.model = new SharedModel({}, this.#without);
  }
}
