import { SpaceSaving } from "../collections/space-saving.ts";
import { type LevelOptions, LocalLevelFilter } from "../learning/local-level-filter.ts";
import { TICK } from "../reporting/report.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import { type Moment, multiply, type Rescalable } from "./decay.ts";
import { HOURS_OF_WEEK, hourOfWeek, seasonFactors } from "./seasons.ts";
import { pearson } from "./significance.ts";

/** Ticks still open to late reports: ten minutes, as long as a queue usually retries. */
const WINDOW = 64;
/** A tick is looked at when its reports have had time to arrive: five seconds to be made, ten on their way. */
const SETTLE = 15_000;

/** Three ticks must agree that a rate has changed, or one must be absurd. */
const LEVEL: LevelOptions = { innovationRate: 0.3, poisson: true, settling: 0 };

/** How an event type goes. */
export interface EventRate {
  readonly type: string;
  /** Decayed long-term count of its events. */
  readonly count: number;
  /** Level of the filter, in events per second. */
  readonly perSecond: number;
  /** The same, an hour from now, by the season. */
  readonly perSecondInAnHour: number;
  /** Smoothed normalised innovation; 1 while all is as usual. */
  readonly surprise: number;
  readonly changed: boolean;
}

interface Series {
  /** Tick from which the ring counts; older ones are in `settled`. */
  base: number;
  readonly ring: Float64Array;
  /** The filter after all ticks before `base`. */
  readonly settled: LocalLevelFilter;
  readonly season: Float64Array;
  /** Memo of the filter up to a tick. */
  memo: { readonly tick: number; readonly filter: LocalLevelFilter } | null;
}

/**
 * Rates of the event types. Counts of the last ten minutes stay in a ring and the filter runs over them when asked,
 * so that reports may come in any order; only what leaves the ring is final. Bounded in types by Space-Saving.
 */
export class EventRates implements Rescalable {
  readonly #types: SpaceSaving;
  readonly #series: (Series | undefined)[] = [];
  /** Time of the earliest report: hours before it were not observed. */
  #first = Number.POSITIVE_INFINITY;

  constructor(maxTypes: number) {
    this.#types = new SpaceSaving(maxTypes, (slot) => {
      this.#series[slot] = undefined;
    });
  }

  /** `count` events of `type` happened in `tick`. O(1). */
  add(type: string, tick: number, count: number, at: Moment): void {
    const time = tick * TICK;
    this.#first = Math.min(this.#first, time);
    const slot = this.#types.add(type, count * at.long);
    let series = this.#series[slot];
    if (series === undefined) {
      series = newSeries(tick);
      this.#series[slot] = series;
    }
    const hour = hourOfWeek(time);
    series.season[hour] = (series.season[hour] as number) + count * at.season;
    advance(series, tick);
    if (tick < series.base) return; // Too late for the filter; it still counts for the season.
    const index = tick % WINDOW;
    series.ring[index] = (series.ring[index] as number) + count;
    series.memo = null;
  }

  /** Whether the rate of `type` has changed significantly. O(1) while nothing new came, else O(ticks). */
  changed(type: string, now: number): boolean {
    const slot = this.#types.find(type);
    const series = slot < 0 ? undefined : this.#series[slot];
    return series !== undefined && filterAt(series, now).changed;
  }

  /** All types, the most frequent first. O(types × (ticks + hours)). */
  rates(now: number, fade: Moment): readonly EventRate[] {
    return this.#types.ranked().flatMap((slot) => {
      const series = this.#series[slot];
      if (series === undefined) return [];
      const filter = filterAt(series, now);
      if (!filter.begun) return [];
      const factors = seasonFactors(
        series.season.map((count) => count * fade.season),
        this.#first,
        now,
      );
      const change =
        (factors[hourOfWeek(now + 3_600_000)] as number) / Math.max(0.05, factors[hourOfWeek(now)] as number);
      const perSecond = (filter.rate * 1_000) / TICK;
      return {
        type: this.#types.keyOf(slot),
        count: this.#types.guaranteed(slot) * fade.long,
        perSecond,
        perSecondInAnHour: perSecond * change,
        surprise: filter.innovation,
        changed: filter.changed,
      };
    });
  }

  /** Pearson's coefficient of two types' rates over the ticks in the ring. O(ticks). */
  correlation(type: string, other: string, now: number): number {
    const [a, b] = [type, other].map((name) => {
      const slot = this.#types.find(name);
      return slot < 0 ? undefined : this.#series[slot];
    });
    if (a === undefined || b === undefined) return 0;
    const end = settledTick(now);
    return pearson(logCounts(a, end), logCounts(b, end));
  }

  rescale(_short: number, long: number, season: number): void {
    this.#types.rescale(long);
    for (const series of this.#series) if (series !== undefined) multiply(series.season, season);
  }

  write(writer: ByteWriter): void {
    writer.float(this.#first);
    writer.count(this.#types.size);
    for (const slot of this.#types.ranked()) {
      const { base, ring, settled, season } = this.#series[slot] as Series;
      writer.name(this.#types.keyOf(slot));
      writer.float(this.#types.count[slot] as number);
      writer.sparse([this.#types.error[slot] as number]);
      writer.count(base);
      const { level, variance, innovation } = settled.toState();
      writer.sparse(settled.begun ? [level, variance, innovation] : [0, 0, 0]);
      writer.sparse(ring);
      writer.sparse(season);
    }
  }

  read(reader: ByteReader): void {
    this.#first = reader.float();
    for (let left = reader.count(); left > 0; left--) {
      const name = reader.name();
      const count = reader.float();
      const [error = 0] = reader.sparse(1);
      const slot = this.#types.restore(name, count, error);
      const base = reader.count();
      const [level = 0, variance = 0, innovation = 0] = reader.sparse(3);
      this.#series[slot] = {
        base,
        // The variance of a filter that has seen anything is never 0; how many ticks it was does not matter here.
        settled: new LocalLevelFilter(
          LEVEL,
          variance === 0 ? undefined : { level, variance, innovation, ticks: 1 },
        ),
        ring: Float64Array.from(reader.sparse(WINDOW)),
        season: Float64Array.from(reader.sparse(HOURS_OF_WEEK)),
        memo: null,
      };
    }
  }
}

const newSeries = (tick: number): Series => ({
  base: Math.max(0, tick - WINDOW + 1),
  ring: new Float64Array(WINDOW),
  settled: new LocalLevelFilter(LEVEL),
  season: new Float64Array(HOURS_OF_WEEK),
  memo: null,
});

const settledTick = (now: number): number => Math.floor((now - SETTLE) / TICK);

const countOf = (series: Series, tick: number): number =>
  tick >= series.base && tick < series.base + WINDOW ? (series.ring[tick % WINDOW] as number) : 0;

/** Makes room for `tick`: what falls out of the ring goes through the filter for good. */
function advance(series: Series, tick: number): void {
  const base = tick - WINDOW + 1;
  if (base <= series.base) return;
  // After a long silence a hundred zeros say all that a thousand would.
  const end = Math.min(base, series.base + 2 * WINDOW);
  for (let t = series.base; t < end; t++) {
    series.settled.observe(countOf(series, t));
    if (t < series.base + WINDOW) series.ring[t % WINDOW] = 0;
  }
  series.base = base;
  series.memo = null;
}

function filterAt(series: Series, now: number): LocalLevelFilter {
  const end = settledTick(now);
  if (series.memo?.tick === end) return series.memo.filter;
  const filter = series.settled.copy();
  for (let tick = series.base; tick < Math.min(end, series.base + 3 * WINDOW); tick++)
    filter.observe(countOf(series, tick));
  series.memo = { tick: end, filter };
  return filter;
}

const logCounts = (series: Series, end: number): number[] =>
  Array.from({ length: WINDOW }, (_, i) => Math.log1p(countOf(series, end - WINDOW + i)));
