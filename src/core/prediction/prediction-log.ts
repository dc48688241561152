/**
 * Predictions made lately, oldest first, until it is known whether they came true. A ring: when it is full, no more are
 * taken down. O(inputs) per prediction.
 */
export class PredictionLog {
  readonly inputs: number;
  /** Bins of entry i, at `i × inputs`. */
  readonly bins: Int16Array;
  readonly reference: Int32Array;
  readonly tick: Int32Array;
  readonly time: Float64Array;
  readonly set: Uint8Array;
  readonly calibrationBin: Int16Array;
  readonly probability: Float32Array;
  /** Bin of the knowledge from elsewhere, or -1. */
  readonly mapBin: Int16Array;
  readonly stream: Int32Array;
  /** Steps the user had made by then. */
  readonly steps: Int32Array;
  readonly #size: number;
  #head = 0;
  #tail = 0;

  /** @param size predictions that can wait, a power of two; beyond, none are taken down. */
  constructor(inputs: number, size: number) {
    this.inputs = inputs;
    this.#size = size;
    this.bins = new Int16Array(size * inputs);
    this.reference = new Int32Array(size);
    this.tick = new Int32Array(size);
    this.time = new Float64Array(size);
    this.set = new Uint8Array(size);
    this.calibrationBin = new Int16Array(size);
    this.probability = new Float32Array(size);
    this.mapBin = new Int16Array(size);
    this.stream = new Int32Array(size);
    this.steps = new Int32Array(size);
  }

  get bytes(): number {
    return this.bins.byteLength + this.#size * (4 * 5 + 8 + 1 + 2 + 2);
  }

  /** Index of a new entry, whose columns the caller fills in; -1 when the log is full. */
  push(): number {
    return this.#head - this.#tail === this.#size ? -1 : this.#head++ & (this.#size - 1);
  }

  /** Index of the oldest entry, -1 when there is none. */
  oldest(): number {
    return this.#tail === this.#head ? -1 : this.#tail & (this.#size - 1);
  }

  /** Drops the oldest entry. */
  shift(): void {
    this.#tail++;
  }
}
