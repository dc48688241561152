const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Writes numbers and names compactly and exactly: each name once, zeros hardly at all. */
export class ByteWriter {
  #view = new DataView(new ArrayBuffer(65_536));
  #length = 0;
  readonly #names = new Map<string, number>();

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** A non-negative integer below 2⁵³, seven bits a byte. */
  count(value: number): void {
    this.#reserve(8);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128))
      this.#view.setUint8(this.#length++, (rest % 128) | 128);
    this.#view.setUint8(this.#length++, rest);
  }

  float(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  /** A name; from its second use on, only its number. */
  name(text: string): void {
    const known = this.#names.get(text);
    this.count(known ?? this.#names.size);
    if (known !== undefined) return;
    this.#names.set(text, this.#names.size);
    const bytes = encoder.encode(text);
    this.count(bytes.length);
    this.#reserve(bytes.length);
    new Uint8Array(this.#view.buffer).set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Numbers of which many are 0: the positions of the others, then they. */
  sparse(values: ArrayLike<number>): void {
    for (let from = 0; from < values.length; from += 8) {
      let mask = 0;
      for (let i = 0; i < 8 && from + i < values.length; i++) if (values[from + i] !== 0) mask |= 1 << i;
      this.#reserve(1);
      this.#view.setUint8(this.#length++, mask);
    }
    for (let i = 0; i < values.length; i++) if (values[i] !== 0) this.float(values[i] as number);
  }

  /** What was written, as text that fits in JSON. */
  toText(): string {
    return new Uint8Array(this.#view.buffer, 0, this.#length).toBase64();
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#view.byteLength) return;
    const larger = new Uint8Array(Math.max(2 * this.#view.byteLength, this.#length + bytes));
    larger.set(new Uint8Array(this.#view.buffer, 0, this.#length));
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads what {@link ByteWriter} wrote; throws a RangeError or a TypeError on most else. */
export class ByteReader {
  readonly #view: DataView;
  #at = 0;
  readonly #names: string[] = [];

  constructor(text: string) {
    this.#view = new DataView(Uint8Array.fromBase64(text).buffer);
  }

  count(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#view.getUint8(this.#at++);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      if (factor > 2 ** 49) throw new RangeError("a stored number is too long");
    }
  }

  float(): number {
    const value = this.#view.getFloat64(this.#at);
    this.#at += 8;
    return value;
  }

  name(): string {
    const index = this.count();
    if (index < this.#names.length) return this.#names[index] as string;
    if (index > this.#names.length) throw new RangeError("a stored name is missing");
    const length = this.count();
    const name = decoder.decode(new Uint8Array(this.#view.buffer, this.#at, length));
    this.#at += length;
    this.#names.push(name);
    return name;
  }

  /** `length` numbers written by `sparse`. */
  sparse(length: number): number[] {
    const masks = this.#at;
    this.#at += Math.ceil(length / 8);
    return Array.from({ length }, (_, i) =>
      (this.#view.getUint8(masks + (i >> 3)) & (1 << (i & 7))) === 0 ? 0 : this.float(),
    );
  }
}
