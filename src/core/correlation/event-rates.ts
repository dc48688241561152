import { SpaceSaving } from "../collections/space-saving.ts";
import { type LevelOptions, LocalLevelFilter } from "../learning/local-level-filter.ts";
import { TICK } from "../reporting/report.ts";
import { HOUR, MINUTE } from "../units.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import { type Moment, multiply, type Rescalable } from "./decay.ts";
import { HOURS_OF_WEEK, hourOfWeek, perHour } from "./seasons.ts";

/** Ticks still open to late reports: ten minutes, as long as a queue usually retries. */
const WINDOW = 64;
/** A tick is looked at when its reports have had time to arrive: five seconds to be made, ten on their way. */
const SETTLE = 15_000;
/** Ticks from its onset on that tell how large a surge is. */
const SURGE_TICKS = 6;
/** Rises so close to one another are one surge. */
const ONE_SURGE = 5 * MINUTE;
/** Surges remembered of a series; the oldest go. */
const MAX_ONSETS = 24;
/** Three ticks must agree that a rate has changed, or one must be absurd. */
const LEVEL: LevelOptions = { innovationRate: 0.3, poisson: true, settling: 0 };
/** Where a filter stands after a long silence: what nobody reported did not happen, and a first surge is one, too. */
const SILENCE = { level: 0, variance: 0.04, innovation: 0, ticks: 1 };
/** Parts region and type in the key of a series; no region has it. */
const SEPARATOR = " ";

/** A significant rise of a rate. */
export interface Onset {
  /** When it began, ms since the epoch. */
  readonly time: number;
  /** Events in the minute from then on. */
  readonly events: number;
}

/** How an event type goes in a region. */
export interface EventRate {
  readonly region: string;
  readonly type: string;
  /** Level of the filter, in events per second. */
  readonly perSecond: number;
  /** What an hour from now usually brings, in events per second; null before enough weeks were seen. */
  readonly perSecondInAnHour: number | null;
  /** Since when it has been in the middle of a significant change; null when it is not. */
  readonly changedSince: number | null;
  /** The surges remembered, oldest first. */
  readonly onsets: readonly Onset[];
}

/** Where the filter of a series stands. */
interface Track {
  readonly filter: LocalLevelFilter;
  changedSince: number | null;
  readonly onsets: Onset[];
}

interface Series {
  /** Tick from which the ring counts; older ones are in `settled`. */
  base: number;
  readonly ring: Float64Array;
  /** After all ticks before `base`. */
  readonly settled: Track;
  readonly season: Float64Array;
  /** Memo of the track up to a tick. */
  memo: { readonly tick: number; readonly track: Track } | null;
}

/**
 * Rates of the event types in each region. Counts of the last ten minutes stay in a ring and the filter runs over them
 * when asked, so that reports may come in any order; only what leaves the ring is final. Bounded in series by Space-Saving.
 */
export class EventRates implements Rescalable {
  readonly #keys: SpaceSaving;
  readonly #series: (Series | undefined)[] = [];
  /** Time of the earliest report: hours before it were not observed. */
  #first = Number.POSITIVE_INFINITY;

  /** @param maxSeries pairs of a region and a type. */
  constructor(maxSeries: number) {
    this.#keys = new SpaceSaving(maxSeries, (slot) => {
      this.#series[slot] = undefined;
    });
  }

  /** `count` events of `type` happened in `region` in `tick`. O(1). */
  add(region: string, type: string, tick: number, count: number, at: Moment): void {
    const time = tick * TICK;
    this.#first = Math.min(this.#first, time);
    const slot = this.#keys.add(region + SEPARATOR + type, count * at.long);
    const series = this.#series[slot] ?? newSeries(tick);
    this.#series[slot] = series;
    const hour = hourOfWeek(time);
    series.season[hour] = (series.season[hour] as number) + count * at.season;
    advance(series, tick);
    if (tick < series.base) return; // Too late for the filter; it still counts for the season.
    const index = tick % WINDOW;
    series.ring[index] = (series.ring[index] as number) + count;
    series.memo = null;
  }

  /** All series, the most frequent first. O(series), and O(ticks) for each that something new came for. */
  rates(now: number, fade: Moment): readonly EventRate[] {
    return this.#keys.ranked().flatMap((slot) => {
      const series = this.#series[slot];
      if (series === undefined) return [];
      const [region = "", ...type] = this.#keys.keyOf(slot).split(SEPARATOR);
      const { filter, changedSince, onsets } = trackAt(series, now);
      const hour = hourOfWeek(now + HOUR);
      const usual = perHour((series.season[hour] as number) * fade.season, hour, this.#first, now);
      return {
        region,
        type: type.join(SEPARATOR),
        perSecond: (filter.rate * 1_000) / TICK,
        perSecondInAnHour: usual === null ? null : (usual * 1_000) / HOUR,
        changedSince,
        onsets,
      };
    });
  }

  /** Whether any rate began to change at or after `since`. O(series), and O(ticks) where something new came. */
  anyChangedSince(since: number, now: number): boolean {
    return this.#series.some((series) => {
      const changedSince = series === undefined ? null : trackAt(series, now).changedSince;
      return changedSince !== null && changedSince >= since;
    });
  }

  rescale(_short: number, long: number, season: number): void {
    this.#keys.rescale(long);
    for (const series of this.#series) if (series !== undefined) multiply(series.season, season);
  }

  write(writer: ByteWriter): void {
    writer.float(this.#first);
    writer.count(this.#keys.size);
    for (const slot of this.#keys.ranked()) {
      writer.name(this.#keys.keyOf(slot));
      writer.sparse([this.#keys.count[slot] as number, this.#keys.error[slot] as number]);
      writeSeries(writer, this.#series[slot] as Series);
    }
  }

  read(reader: ByteReader): void {
    this.#first = reader.float();
    for (let left = reader.count(); left > 0; left--) {
      const key = reader.name();
      const [count = 0, error = 0] = reader.sparse(2);
      this.#series[this.#keys.restore(key, count, error)] = readSeries(reader);
    }
  }
}

const newSeries = (tick: number): Series => ({
  base: Math.max(0, tick - WINDOW + 1),
  ring: new Float64Array(WINDOW),
  settled: { filter: new LocalLevelFilter(LEVEL, SILENCE), changedSince: null, onsets: [] },
  season: new Float64Array(HOURS_OF_WEEK),
  memo: null,
});

const countOf = (series: Series, tick: number): number =>
  tick >= series.base && tick < series.base + WINDOW ? (series.ring[tick % WINDOW] as number) : 0;

/** Makes room for `tick`: what falls out of the ring goes through the filter for good. */
function advance(series: Series, tick: number): void {
  const base = tick - WINDOW + 1;
  if (base <= series.base) return;
  // After a long silence a hundred zeros say all that a thousand would.
  const end = Math.min(base, series.base + 2 * WINDOW);
  for (let t = series.base; t < end; t++) observe(series, series.settled, t);
  for (let t = series.base; t < Math.min(end, series.base + WINDOW); t++) series.ring[t % WINDOW] = 0;
  series.base = base;
  series.memo = null;
}

function trackAt(series: Series, now: number): Track {
  const end = Math.floor((now - SETTLE) / TICK);
  if (series.memo?.tick === end) return series.memo.track;
  const { filter, changedSince, onsets } = series.settled;
  const track = { filter: filter.copy(), changedSince, onsets: [...onsets] };
  for (let tick = series.base; tick < Math.min(end, series.base + 3 * WINDOW); tick++)
    observe(series, track, tick);
  series.memo = { tick: end, track };
  return track;
}

/** Takes a tick's count into the track, and notes when a change begins, and whether it is a surge. */
function observe(series: Series, track: Track, tick: number): void {
  const { filter, onsets } = track;
  const count = countOf(series, tick);
  if (count === 0 && filter.innovation === 0) return; // Still silent, however long.
  const rises = count > filter.rate;
  const begins = filter.observe(count);
  if (!filter.changed) track.changedSince = null;
  if (!begins) return;
  track.changedSince = (tick + 1) * TICK + SETTLE;
  const time = tick * TICK;
  if (!rises || time - (onsets.at(-1)?.time ?? Number.NEGATIVE_INFINITY) < ONE_SURGE) return;
  let events = 0;
  for (let t = tick; t < tick + SURGE_TICKS; t++) events += countOf(series, t);
  onsets.push({ time, events });
  if (onsets.length > MAX_ONSETS) onsets.shift();
}

function writeSeries(writer: ByteWriter, { base, ring, settled, season }: Series): void {
  const { level, variance, innovation } = settled.filter.toState();
  writer.sparse([base, level, variance, innovation, settled.changedSince ?? 0, ...ring, ...season]);
  writer.count(settled.onsets.length);
  writer.sparse(settled.onsets.flatMap(({ time, events }) => [time, events]));
}

function readSeries(reader: ByteReader): Series {
  const [base = 0, level = 0, variance = 0, innovation = 0, since = 0, ...counts] = reader.sparse(
    5 + WINDOW + HOURS_OF_WEEK,
  );
  const onsets = Array.from({ length: reader.count() }, () => ({ time: 0, events: 0 }));
  const numbers = reader.sparse(2 * onsets.length);
  const filter = new LocalLevelFilter(LEVEL, { level, variance, innovation, ticks: 1 });
  return {
    base,
    ring: Float64Array.from(counts.slice(0, WINDOW)),
    season: Float64Array.from(counts.slice(WINDOW)),
    settled: {
      filter,
      changedSince: since === 0 ? null : since,
      onsets: onsets.map((_, i) => ({ time: numbers[2 * i] ?? 0, events: numbers[2 * i + 1] ?? 0 })),
    },
    memo: null,
  };
}
