import { SECOND } from "../units.ts";
import { LogPosition, type LogPositionState } from "./log-position.ts";

/**
 * How long a partition may serve copies after a heartbeat that was answered. The partition counts from sending, the
 * coordinator from receiving, so the partition's end comes first.
 */
export const LEASE_TERM = 30 * SECOND;
/**
 * How far back the coordinator tells a partition that has heard nothing yet: of all that changed while its first fetches
 * were under way, and the tolerances.
 */
export const CHANGES_WINDOW = 2 * LEASE_TERM;
/**
 * Clocks of the machines an object runs on may differ by this much, and one of them may be set by as much while an object
 * runs.
 */
export const CLOCK_TOLERANCE = 5 * SECOND;

/**
 * Kept back by the partition. Its clock may be set back during the lease, or the lease be read back on a machine whose
 * clock is behind, and the coordinator's clock may be set forward: each by up to the tolerance.
 */
const KEPT_BACK = 2 * CLOCK_TOLERANCE;

/** Stands for the number of what was asked for before anything was heard of the log; never stored. */
const NOT_HEARD = -1;
/** Below all numbers: what cannot be said to have been current at any. */
const BELOW_ALL = 0;

export interface LeaseState extends LogPositionState {
  /** ms since the epoch. */
  readonly until: number;
}

/**
 * A partition's right to serve copies without asking the storage: valid for a time, and for copies that no change it has
 * not heard of can have outdated. A copy carries the number of the change log at which it was current.
 */
export class Lease {
  readonly #begun: number;
  #until = Number.NEGATIVE_INFINITY;
  #position = new LogPosition();
  /** The number for what was asked for before anything was heard. */
  #first = BELOW_ALL;

  /** @param begun nothing was asked of the storage before, ms since the epoch. */
  constructor(begun: number) {
    this.#begun = begun;
  }

  /**
   * A lease outlives the memory of its holder: it goes on being told of changes, and drops its stored copies then. A
   * state that is older than the last renewal is only more careful. It was dated by another machine's clock; what
   * is kept back allows for that.
   */
  static fromState({ until, ...position }: LeaseState, begun: number): Lease {
    const lease = new Lease(begun);
    lease.#until = until;
    lease.#position = LogPosition.fromState(position);
    return lease;
  }

  /** Null while there was no lease. */
  toState(): LeaseState | null {
    const position = this.#position.toState();
    return position && { until: this.#until, ...position };
  }

  /** The number up to which all changes were heard; undefined while none were. */
  get at(): number | undefined {
    return this.#position.at;
  }

  /** What the storage is asked for now will be current at this number. O(1). */
  get asOf(): number {
    return this.#position.at ?? NOT_HEARD;
  }

  /** The number of a copy as it may be stored. */
  numberOf(asOf: number): number {
    return asOf === NOT_HEARD ? this.#first : asOf;
  }

  /**
   * A heartbeat sent at `sent` was answered now, with this piece of the log. Its changes must have been applied before. An
   * answer that a later one has overtaken renews nothing.
   */
  renew(sent: number, now: number, piece: { readonly after: number; readonly upTo: number }): void {
    // A list that goes back far enough covers what was asked for since the partition began.
    if (this.at === undefined && now - this.#begun <= LEASE_TERM) this.#first = piece.after;
    this.#position.resume(piece);
    this.#until = Math.max(this.#until, sent + LEASE_TERM - KEPT_BACK);
  }

  /** A piece of the log was pushed; its changes must have been applied before. */
  hear(piece: { readonly after: number; readonly upTo: number }): void {
    this.#position.hear(piece);
  }

  isValid(now: number): boolean {
    return now < this.#until;
  }

  /** Whether copies may be served unasked at all: the lease is valid, and no change is known to be missing. */
  isCurrent(now: number): boolean {
    return this.isValid(now) && this.#position.isGapless;
  }

  /** Whether a copy that was current at the number `asOf` may be served now. O(1). */
  covers(asOf: number, now: number): boolean {
    return this.isValid(now) && this.#position.covers(this.numberOf(asOf));
  }
}
