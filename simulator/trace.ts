/** One request of a trace, as a reader found it. */
export interface TraceRecord {
  /** Milliseconds since 1970, or since anything, as long as it is the same for the whole trace. */
  readonly time: number;
  /** Pseudonym; empty where the source knows no clients. All such requests belong to one common stream. */
  readonly client: string;
  readonly eventType: string;
  readonly object: string;
  /** Size, 0 where the source has none. */
  readonly bytes: number;
}

/** Rows a trace makes room for at first; it doubles. */
const FIRST_ROWS = 4096;

/** Numbers the strings of a column in order of first appearance. */
class Names {
  readonly #numbers = new Map<string, number>();
  readonly list: string[] = [];

  number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const own = detached(name);
    const number = this.list.push(own) - 1;
    this.#numbers.set(own, number);
    return number;
  }
}

/** A copy of a string cut out of a larger one, which would otherwise keep all of the file in memory. */
const detached = (name: string): string => Buffer.from(name, "utf8").toString("utf8");

/** The requests of a trace, a column each, so that ten million rows fit in memory. */
export class Trace {
  readonly #objects = new Names();
  readonly #clients = new Names();
  readonly #eventTypes = new Names();
  #length = 0;
  #times = new Float64Array(FIRST_ROWS);
  #sizes = new Float64Array(FIRST_ROWS);
  #objectNumbers = new Uint32Array(FIRST_ROWS);
  #clientNumbers = new Uint32Array(FIRST_ROWS);
  #eventTypeNumbers = new Uint32Array(FIRST_ROWS);

  /** What the trace is called in reports. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Number of requests. */
  get length(): number {
    return this.#length;
  }

  /** Distinct objects, in order of first appearance; `objectNumber` points here. */
  get objects(): readonly string[] {
    return this.#objects.list;
  }

  /** Whether the source knew how big its objects are. */
  get hasSizes(): boolean {
    return this.#sizes.some((size) => size > 0);
  }

  /** Adds a request. A log that steps back in time is taken to stand still. */
  add(record: TraceRecord): void {
    if (this.#length === this.#times.length) this.#grow(this.#length * 2);
    const row = this.#length++;
    this.#times[row] = row === 0 ? record.time : Math.max(record.time, this.time(row - 1));
    this.#sizes[row] = record.bytes;
    this.#objectNumbers[row] = this.#objects.number(record.object);
    this.#clientNumbers[row] = this.#clients.number(record.client);
    this.#eventTypeNumbers[row] = this.#eventTypes.number(record.eventType);
  }

  time(row: number): number {
    return this.#times[row] ?? 0;
  }

  bytes(row: number): number {
    return this.#sizes[row] ?? 0;
  }

  objectNumber(row: number): number {
    return this.#objectNumbers[row] ?? 0;
  }

  object(row: number): string {
    return this.#objects.list[this.objectNumber(row)] ?? "";
  }

  client(row: number): string {
    return this.#clients.list[this.#clientNumbers[row] ?? 0] ?? "";
  }

  eventType(row: number): string {
    return this.#eventTypes.list[this.#eventTypeNumbers[row] ?? 0] ?? "";
  }

  #grow(rows: number): void {
    this.#times = extended(this.#times, new Float64Array(rows));
    this.#sizes = extended(this.#sizes, new Float64Array(rows));
    this.#objectNumbers = extended(this.#objectNumbers, new Uint32Array(rows));
    this.#clientNumbers = extended(this.#clientNumbers, new Uint32Array(rows));
    this.#eventTypeNumbers = extended(this.#eventTypeNumbers, new Uint32Array(rows));
  }
}

const extended = <T extends { set(from: ArrayLike<number>): void }>(from: ArrayLike<number>, to: T): T => {
  to.set(from);
  return to;
};
