/** Rows of a table, one after the other, each with the targets it has: `widths` of them. */
export interface RowColumns {
  readonly keys: Int32Array;
  readonly totals: Uint8Array;
  readonly widths: Uint8Array;
  /** As whoever saved them numbers them; the same order in the columns below. */
  readonly targets: Int32Array;
  readonly counts: Uint8Array;
  /** Visits since the target last came. */
  readonly ages: Uint8Array;
  readonly delays: Uint8Array;
}

/** {@link RowColumns} that are being written. */
export class RowWriter {
  readonly #keys: number[] = [];
  readonly #totals: number[] = [];
  readonly #widths: number[] = [];
  readonly #targets: number[] = [];
  readonly #counts: number[] = [];
  readonly #ages: number[] = [];
  readonly #delays: number[] = [];

  /** Begins a row, whose targets follow. */
  row(key: number, total: number): void {
    this.#keys.push(key);
    this.#totals.push(total);
    this.#widths.push(0);
  }

  /** A target of the row begun last. */
  target(target: number, count: number, age: number, delay: number): void {
    const last = this.#widths.length - 1;
    this.#widths[last] = (this.#widths[last] as number) + 1;
    this.#targets.push(target);
    this.#counts.push(count);
    this.#ages.push(age);
    this.#delays.push(delay);
  }

  toColumns(): RowColumns {
    return {
      keys: Int32Array.from(this.#keys),
      totals: Uint8Array.from(this.#totals),
      widths: Uint8Array.from(this.#widths),
      targets: Int32Array.from(this.#targets),
      counts: Uint8Array.from(this.#counts),
      ages: Uint8Array.from(this.#ages),
      delays: Uint8Array.from(this.#delays),
    };
  }
}
