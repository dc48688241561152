/** Predictions waiting for their outcome: some 64 per event over the longest horizon would be too many, so it is a sample. */
const SIZE = 1 << 14;
const MASK = SIZE - 1;

/**
 * Predictions made lately, oldest first, until it is known whether they came true. A ring: when it is full, no more are
 * taken down. O(inputs) per prediction.
 */
export class PredictionLog {
  readonly inputs: number;
  /** Bins of entry i, at `i × inputs`. */
  readonly bins: Int16Array;
  readonly reference = new Int32Array(SIZE);
  readonly tick = new Int32Array(SIZE);
  readonly time = new Float64Array(SIZE);
  readonly set = new Uint8Array(SIZE);
  readonly calibrationBin = new Int16Array(SIZE);
  readonly probability = new Float32Array(SIZE);
  /** Bin of the knowledge from elsewhere, or -1. */
  readonly mapBin = new Int16Array(SIZE);
  readonly stream = new Int32Array(SIZE);
  /** Steps the user had made by then. */
  readonly steps = new Int32Array(SIZE);
  #head = 0;
  #tail = 0;

  constructor(inputs: number) {
    this.inputs = inputs;
    this.bins = new Int16Array(SIZE * inputs);
  }

  get bytes(): number {
    return this.bins.byteLength + SIZE * (4 * 5 + 8 + 1 + 2 + 2);
  }

  /** Index of a new entry, whose columns the caller fills in; -1 when the log is full. */
  push(): number {
    return this.#head - this.#tail === SIZE ? -1 : this.#head++ & MASK;
  }

  /** Index of the oldest entry, -1 when there is none. */
  oldest(): number {
    return this.#tail === this.#head ? -1 : this.#tail & MASK;
  }

  /** Drops the oldest entry. */
  shift(): void {
    this.#tail++;
  }
}
