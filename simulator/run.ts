import type { Admission } from "../src/core/cache/admission.ts";
import { bytes, type EpochMillis, epochMillis } from "../src/core/units.ts";
import type { Capacity } from "./capacity.ts";
import { NO_LOG, type OpsLog } from "./ops-log.ts";
import { noRequest, type SimulatedCache, type SimulatedRequest } from "./simulated-cache.ts";
import type { Trace } from "./trace.ts";

/** What a cache did with a trace. `hits + misses + late` is `requests`. */
interface RunCounts {
  requests: number;
  hits: number;
  misses: number;
  /** Requests that came while a prefetch of their object was still under way. */
  late: number;
  prefetches: number;
  /** Prefetched copies that were asked for before they went. */
  prefetchesUsed: number;
}

/** A run's counts, and what it took. */
export interface RunResult extends RunCounts {
  readonly seconds: number;
  readonly peakHeapBytes: number;
}

/** How to run. */
export interface RunOptions {
  /** How long a prefetch takes, in trace time; 0 for none. */
  readonly fillMs?: number;
  readonly ops?: OpsLog;
  /** Hears how many rows are done, now and then. */
  readonly onRow?: (row: number) => void;
}

/** Rows between two looks at the heap: a look costs about as much as a hundred requests. */
const ROWS_PER_LOOK = 1 << 15;

/** What the object of a row takes of the cache. An object without bytes still takes one. */
export const sizeIn =
  (trace: Trace, capacity: Capacity): ((row: number) => number) =>
  (row) =>
    capacity.unit === "objects" ? 1 : Math.max(1, trace.bytes(row));

/** Runs a trace through a cache. Takes O(rows); the cache's memory aside, O(prefetches unused). */
export function run(
  trace: Trace,
  capacity: Capacity,
  cache: SimulatedCache,
  options: RunOptions = {},
): RunResult {
  const simulation = new Simulation(cache, capacity, options);
  const size = sizeIn(trace, capacity);
  const request = noRequest();
  let peakHeapBytes = heapBytes();
  const started = performance.now();
  for (let row = 0; row < trace.length; row++) {
    request.row = row;
    request.time = epochMillis(trace.time(row));
    request.client = trace.client(row);
    request.eventType = trace.eventType(row);
    request.object = trace.object(row);
    request.size = bytes(size(row));
    simulation.step(request);
    if ((row + 1) % ROWS_PER_LOOK !== 0) continue;
    peakHeapBytes = Math.max(peakHeapBytes, heapBytes());
    options.onRow?.(row + 1);
  }
  const seconds = (performance.now() - started) / 1000;
  return { ...simulation.counts, seconds, peakHeapBytes: Math.max(peakHeapBytes, heapBytes()) };
}

/** Typed arrays live outside V8's own heap, so both are counted. */
const heapBytes = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

/**
 * What a prefetched object is taken to weigh: what it weighed when last asked for, or as much as the others do on
 * average if it never was. To look it up further down the trace would be to look ahead.
 */
class SizesSeen {
  readonly #last = new Map<string, number>();
  #total = 0;
  #count = 0;

  note(object: string, size: number): void {
    this.#last.set(object, size);
    this.#total += size;
    this.#count += 1;
  }

  of(object: string): number {
    return this.#last.get(object) ?? Math.max(1, Math.round(this.#total / this.#count));
  }
}

const ALL_ONE: Pick<SizesSeen, "note" | "of"> = { note: () => undefined, of: () => 1 };

interface Fill {
  readonly object: string;
  readonly landsAt: number;
  /** Somebody came for it before it landed. */
  overtaken: boolean;
}

/** One run: counts and keeps the time, and lets the cache decide. */
class Simulation {
  readonly counts: RunCounts = { requests: 0, hits: 0, misses: 0, late: 0, prefetches: 0, prefetchesUsed: 0 };
  readonly #cache: SimulatedCache;
  readonly #sizes: Pick<SizesSeen, "note" | "of">;
  readonly #fillMs: number;
  readonly #ops: OpsLog;
  readonly #unused = new Set<string>();
  readonly #inFlight = new Map<string, Fill>();
  /** Fills in the order they land, which is the order they were issued in. */
  #landing: Fill[] = [];

  constructor(cache: SimulatedCache, capacity: Capacity, options: RunOptions) {
    this.#cache = cache;
    this.#sizes = capacity.unit === "bytes" ? new SizesSeen() : ALL_ONE;
    this.#fillMs = options.fillMs ?? 0;
    this.#ops = options.ops ?? NO_LOG;
  }

  step(request: SimulatedRequest): void {
    this.counts.requests += 1;
    this.#sizes.note(request.object, request.size);
    if (this.#landing.length > 0) this.#land(request);
    this.#serve(request);
    for (const object of this.#cache.plan(request)) this.#prefetch(object, request);
  }

  #serve(request: SimulatedRequest): void {
    const { row, object } = request;
    if (this.#cache.request(request)) {
      this.counts.hits += 1;
      if (this.#unused.delete(object)) this.counts.prefetchesUsed += 1;
      this.#ops.write(row, "hit", object);
      return;
    }
    const fill = this.#inFlight.get(object);
    if (fill === undefined) this.counts.misses += 1;
    else this.#overtake(fill);
    this.#ops.write(row, fill === undefined ? "miss" : "late", object);
    this.#admitted(row, object, this.#cache.fill(request));
  }

  /** Who comes while a fill is under way waits for it; the copy is theirs, not the prefetcher's. */
  #overtake(fill: Fill): void {
    this.counts.late += 1;
    fill.overtaken = true;
    this.#inFlight.delete(fill.object);
  }

  #prefetch(object: string, request: SimulatedRequest): void {
    if (this.#inFlight.has(object)) return;
    this.counts.prefetches += 1;
    this.#ops.write(request.row, "prefetch", object);
    if (this.#fillMs === 0) {
      this.#arrived(request.row, object, request.time);
      return;
    }
    const fill = { object, landsAt: request.time + this.#fillMs, overtaken: false };
    this.#landing.push(fill);
    this.#inFlight.set(object, fill);
  }

  #land(request: SimulatedRequest): void {
    const still = this.#landing.findIndex((fill) => fill.landsAt > request.time);
    const landed = this.#landing.splice(0, still < 0 ? this.#landing.length : still);
    for (const fill of landed) {
      const now = epochMillis(fill.landsAt);
      if (fill.overtaken) {
        this.#cache.overtaken?.(fill.object, bytes(this.#sizes.of(fill.object)), now);
        continue;
      }
      this.#inFlight.delete(fill.object);
      this.#arrived(request.row, fill.object, now);
    }
  }

  #arrived(row: number, object: string, now: EpochMillis): void {
    const admission = this.#cache.fillPrefetched(object, bytes(this.#sizes.of(object)), now);
    this.#admitted(row, object, admission);
    if (admission.admitted) this.#unused.add(object);
  }

  #admitted(row: number, object: string, admission: Admission): void {
    for (const evicted of admission.evicted) {
      this.#unused.delete(evicted);
      this.#ops.write(row, "evict", evicted);
    }
    if (admission.admitted) this.#ops.write(row, "admit", object);
  }
}
