/** What a shard holds: the version of a write, or nothing after a delete (or before the first write). */
export type Held = number | "nothing";

/** Something done to a shard, in the order its one writer did it. */
interface Step {
  readonly order: number;
  readonly held: Held;
  /** When it was acknowledged, ms; never for those that were cut off or refused. */
  acknowledgedAt: number | null;
  /** Acknowledged as strong: nothing older may be read from then on. */
  strong: boolean;
}

/**
 * The freshness that the instance is given. Local queues live in memory: what a kill takes of them is seen when copies'
 * freshness ends, and five minutes would be longer than most of the test.
 */
export const FRESHNESS_SECONDS = 30;
/** What is read may have been overwritten this long ago, ms, with some for the way. */
const MAX_STALE = (FRESHNESS_SECONDS + 5) * 1_000;

/**
 * What may be read of one shard. One writer writes it, so its steps have an order; a step without acknowledgement may
 * have happened or not.
 */
export class WriteHistory {
  readonly #steps: Step[] = [{ order: 0, held: "nothing", acknowledgedAt: 0, strong: true }];

  /** A step begins; tell {@link acknowledge} when it is answered with success. */
  begin(held: Held): number {
    const order = this.#steps.length;
    this.#steps.push({ order, held, acknowledgedAt: null, strong: false });
    return order;
  }

  acknowledge(order: number, strong: boolean, now: number): void {
    const step = this.#steps[order];
    if (step === undefined) return;
    step.acknowledgedAt = now;
    step.strong = strong;
  }

  /** The oldest step whose outcome a read begun now may see; for ordinary reads, which may be stale for a while. */
  floor(now: number): number {
    const counts = this.#steps.filter(
      ({ acknowledgedAt, strong }) => acknowledgedAt !== null && (strong || acknowledgedAt < now - MAX_STALE),
    );
    return counts.at(-1)?.order ?? 0;
  }

  /** The oldest step whose outcome a strongly consistent read begun now may see: the last acknowledged one. */
  strictFloor(): number {
    return this.#steps.findLast(({ acknowledgedAt }) => acknowledgedAt !== null)?.order ?? 0;
  }

  /** Why `held` must not have been read by a read with this floor; null when it may. */
  fault(held: Held, floor: number): string | null {
    const matching = this.#steps.filter((step) => step.held === held);
    if (matching.length === 0) return "it was never written";
    if (matching.some(({ order }) => order >= floor)) return null;
    return `step ${floor} (${this.#steps[floor]?.held}) had been acknowledged before`;
  }

  /** After a restart nothing is under way: what is found then is what the shard holds. */
  settle(held: Held, floor: number, now: number): void {
    const found = this.#steps.findLast((step) => step.held === held && step.order >= floor);
    if (found === undefined) return;
    this.#steps.length = found.order + 1;
    found.acknowledgedAt ??= now;
  }
}
