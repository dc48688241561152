import { BoundedMap } from "../collections/bounded-map.ts";
import { addCounts, noCounts, type ReadCounts } from "../reporting/read-counts.ts";

/** What one partition reported since it was first heard of, ms since the epoch. */
export interface PartitionTotal {
  readonly partition: string;
  readonly since: number;
  readonly counts: ReadCounts;
}

/** Partitions whose totals are kept: what one coordinator is meant for. Some 250 bytes each when stored. */
const MAX_PARTITIONS = 1_000;

/** Counts that outlive the partitions' memory: sums of what they reported. The longest silent goes first. O(1). */
export class PartitionTotals {
  readonly #totals = new BoundedMap<string, PartitionTotal>(MAX_PARTITIONS);

  add(partition: string, counts: ReadCounts, now: number): void {
    const before = this.#totals.get(partition) ?? { since: now, counts: noCounts() };
    this.#totals.set(partition, {
      partition,
      since: before.since,
      counts: addCounts(before.counts, counts),
    });
  }

  list(): readonly PartitionTotal[] {
    return [...this.#totals.values()];
  }

  static fromState(state: readonly PartitionTotal[]): PartitionTotals {
    const totals = new PartitionTotals();
    for (const total of state) totals.#totals.set(total.partition, total);
    return totals;
  }
}
