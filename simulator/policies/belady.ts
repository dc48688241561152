import FlatQueue from "flatqueue";
import type { Admission } from "../../src/core/cache/admission.ts";
import type { SimulatedCache, SimulatedRequest } from "../simulated-cache.ts";
import type { Trace } from "../trace.ts";

const NEVER = 0xffffffff;
const NO_PLAN: readonly string[] = [];

/**
 * MIN: whatever is wanted again last goes first. It looks ahead, so no real cache can do it; no cache that only
 * fills what was asked for can miss less, as long as objects are of equal size.
 *
 * Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 1966.
 */
export class Belady implements SimulatedCache {
  readonly name = "belady";
  readonly #trace: Trace;
  readonly #capacity: number;
  readonly #unit: (row: number) => number;
  readonly #nextRow: Uint32Array;
  /** Per object: the row it is wanted next if resident, and what it takes; 0 for those absent. */
  readonly #wantedAt: Float64Array;
  readonly #size: Float64Array;
  readonly #latestFirst = new FlatQueue<number>();
  #used = 0;

  /** `size` tells what the object of a row takes of `capacity`. O(rows) in time and memory. */
  constructor(trace: Trace, capacity: number, size: (row: number) => number) {
    this.#trace = trace;
    this.#capacity = capacity;
    this.#unit = size;
    this.#nextRow = nextRows(trace);
    this.#wantedAt = new Float64Array(trace.objects.length);
    this.#size = new Float64Array(trace.objects.length);
  }

  request(request: SimulatedRequest): boolean {
    const object = this.#trace.objectNumber(request.row);
    if (this.#size[object] === 0) return false;
    this.#want(object, request.row);
    return true;
  }

  fill(request: SimulatedRequest): Admission {
    const object = this.#trace.objectNumber(request.row);
    const size = this.#unit(request.row);
    if (size > this.#capacity) return { admitted: false, evicted: [] };
    const evicted: string[] = [];
    while (this.#used + size > this.#capacity) evicted.push(this.#evict());
    this.#size[object] = size;
    this.#used += size;
    this.#want(object, request.row);
    return { admitted: true, evicted };
  }

  plan(): readonly string[] {
    return NO_PLAN;
  }

  fillPrefetched(): Admission {
    return { admitted: false, evicted: [] };
  }

  #want(object: number, row: number): void {
    const next = this.#nextRow[row] ?? NEVER;
    this.#wantedAt[object] = next;
    this.#latestFirst.push(object, -next);
  }

  #evict(): string {
    for (;;) {
      const next = -(this.#latestFirst.peekValue() ?? 0);
      const object = this.#latestFirst.pop();
      if (object === undefined) throw new Error("a cache over its capacity has nothing to evict");
      if (this.#size[object] === 0 || this.#wantedAt[object] !== next) continue;
      this.#used -= this.#size[object] ?? 0;
      this.#size[object] = 0;
      return this.#trace.objects[object] ?? "";
    }
  }
}

/** For each row, the next row that asks for the same object, or NEVER. */
const nextRows = (trace: Trace): Uint32Array => {
  const next = new Uint32Array(trace.length);
  const following = new Uint32Array(trace.objects.length).fill(NEVER);
  for (let row = trace.length - 1; row >= 0; row--) {
    const object = trace.objectNumber(row);
    next[row] = following[object] ?? NEVER;
    following[object] = row;
  }
  return next;
};
