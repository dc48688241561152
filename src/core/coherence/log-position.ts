/** Pieces heard before those they follow, remembered at most: a few pushes overtake each other, never many. */
const MAX_AHEAD = 16;

/** What outlives the memory of a partition. Numbers of the change log. */
export interface LogPositionState {
  readonly at: number;
  readonly completeFrom: number;
}

interface Piece {
  readonly after: number;
  readonly upTo: number;
}

/**
 * How far a partition has heard the change log. Every change numbered in `(completeFrom, at]` was heard, and dropped the
 * copies it outdates: a copy that was current at a number from `completeFrom` on is current at `at`.
 */
export class LogPosition {
  #at: number | undefined;
  #completeFrom = Number.POSITIVE_INFINITY;
  /** The highest number there is, as far as is known. */
  #highest = Number.NEGATIVE_INFINITY;
  /** Pieces that what was heard does not reach yet, by their beginning. */
  readonly #ahead: Piece[] = [];

  /** A state that is older than what was heard last is only more careful: the rest is heard again. */
  static fromState({ at, completeFrom }: LogPositionState): LogPosition {
    const position = new LogPosition();
    position.#at = at;
    position.#completeFrom = completeFrom;
    return position;
  }

  /** Null while nothing has been heard. */
  toState(): LogPositionState | null {
    return this.#at === undefined ? null : { at: this.#at, completeFrom: this.#completeFrom };
  }

  /** The number up to which everything was heard; undefined while nothing was. */
  get at(): number | undefined {
    return this.#at;
  }

  /** Whether no change is known to be missing. */
  get isGapless(): boolean {
    return this.#at !== undefined && this.#at >= this.#highest;
  }

  /** Whether a copy that was current at this number still is, but for changes that nobody has told of yet. O(1). */
  covers(asOf: number): boolean {
    return asOf >= this.#completeFrom && this.isGapless;
  }

  /** A piece of the log was pushed, and its changes applied. One that does not join on waits for what is between. */
  hear(piece: Piece): void {
    this.#highest = Math.max(this.#highest, piece.upTo);
    if (this.#join(piece) || this.#ahead.length === MAX_AHEAD) return;
    // Told again while something is missing.
    if (!this.#ahead.some(({ after, upTo }) => after === piece.after && upTo === piece.upTo))
      this.#ahead.push(piece);
  }

  /**
   * The coordinator answered with all there is after `after`, and the changes were applied. If that is later than what was
   * heard before, what is between will not be heard any more: copies of before are not covered.
   */
  resume(piece: Piece): void {
    this.#highest = Math.max(this.#highest, piece.upTo);
    if (this.#join(piece)) return;
    this.#completeFrom = piece.after;
    this.#at = piece.after;
    this.#join(piece);
  }

  /** Goes on from where the piece begins, and with those that waited for it; false when something is between. */
  #join({ after, upTo }: Piece): boolean {
    if (this.#at === undefined || after > this.#at) return false;
    const at = Math.max(this.#at, upTo);
    this.#at = at;
    const next = this.#ahead.findIndex((piece) => piece.after <= at);
    if (next >= 0) for (const piece of this.#ahead.splice(next, 1)) this.#join(piece);
    return true;
  }
}
