/** Why a shard was fetched ahead, or was not. */
export interface Decision {
  /** ms since the epoch. */
  readonly at: number;
  /** Type of the event that led to it. */
  readonly event: string;
  /** The shard whose reading led to it, if it was one. */
  readonly after?: string;
  /** The expert that thought most of it, or `map` for what the coordinator knew. */
  readonly expert: string;
  readonly probability: number;
  /** What it had to earn, in units of what one hit saves. */
  readonly price: number;
  verdict: Verdict;
}

export type Verdict =
  | "issued"
  /** Its reader belongs to the control arm. */
  | "control"
  /** Prefetching is paused because it did not pay. */
  | "paused"
  /** Here, on its way, known not to exist, or the queue was full. */
  | "not needed"
  | "used"
  | "failed";

/** Decisions remembered; the oldest go first. */
const MAX_DECISIONS = 2_000;

/** The last decision about each shard, for people who ask why. O(1). */
export class Decisions {
  readonly #decisions = new Map<string, Decision>();

  note(shard: string, decision: Decision): void {
    this.#decisions.delete(shard);
    this.#decisions.set(shard, decision);
    if (this.#decisions.size <= MAX_DECISIONS) return;
    const [oldest] = this.#decisions.keys();
    if (oldest !== undefined) this.#decisions.delete(oldest);
  }

  /** What became of the last decision. */
  turned(shard: string, verdict: Verdict): void {
    const decision = this.#decisions.get(shard);
    if (decision !== undefined) decision.verdict = verdict;
  }

  of(shard: string): Decision | null {
    return this.#decisions.get(shard) ?? null;
  }
}
