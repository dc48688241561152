import { type EpochMillis, epochMillis, HOUR, MINUTE, type Millis, millis } from "../units.ts";
import { Level, type LevelState } from "./level.ts";
import { Seasons } from "./seasons.ts";

/** Length of a tick: short enough to see a change within minutes, long enough to hold some events. */
export const TICK = millis(10_000);
/** Reports may come this late; a tick is judged when it is older. */
const LATENESS = millis(MINUTE);
/** Most event types followed; beyond, new ones are not. */
const MAX_TYPES = 256;
/** After a silence longer than this many ticks the filter starts from what it sees rather than count all the zeros. */
const MAX_CATCH_UP = 360;

/** What is known of one event type's rate. */
interface Rate {
  readonly level: Level;
  readonly seasons: Seasons;
  /** Counts of ticks not judged yet, by tick number. */
  readonly open: Map<number, number>;
  next: number;
  hour: number;
  hourCount: number;
  hourUsual: number;
}

/** {@link Rates} as plain data. */
export type RatesState = readonly {
  readonly type: string;
  readonly level: LevelState;
  readonly seasons: Float64Array;
  readonly open: readonly (readonly [number, number])[];
  readonly next: number;
  readonly hour: number;
  readonly hourCount: number;
  readonly hourUsual: number;
}[];

/**
 * How often events of each type come: counts per tick, which add up in any order while the tick is open, then a Kalman
 * filtered level with drift detection and hour-of-week factors. Advancing is O(types × ticks passed).
 */
export class Rates {
  readonly #rates = new Map<string, Rate>();

  /** Counts `n` events of `type` at `time`. Too late a count goes into the oldest open tick. */
  count(type: string, n: number, time: EpochMillis): void {
    const tick = Math.floor(time / TICK);
    const rate = this.#rates.get(type) ?? this.#start(type, tick);
    if (rate === undefined) return;
    const into = Math.max(tick, rate.next);
    rate.open.set(into, (rate.open.get(into) ?? 0) + n);
  }

  /** Judges the ticks that are complete by now; returns the types whose rate has changed significantly. */
  advance(now: EpochMillis): readonly string[] {
    const changed: string[] = [];
    const end = Math.floor((now - LATENESS) / TICK);
    for (const [type, rate] of this.#rates) {
      if (end - rate.next > MAX_CATCH_UP) rate.next = end - MAX_CATCH_UP;
      let isChange = false;
      for (; rate.next < end; rate.next++) isChange = this.#judge(rate) || isChange;
      if (isChange) changed.push(type);
    }
    return changed;
  }

  /** Events of `type` expected in the `length` that begins at `time`, by level and season. */
  expected(type: string, time: EpochMillis, length: Millis): number {
    const rate = this.#rates.get(type);
    if (rate === undefined) return 0;
    const now = rate.seasons.factor(epochMillis(rate.next * TICK));
    return (rate.level.rate * rate.seasons.factor(time) * length) / (TICK * Math.max(now, 1e-6));
  }

  /** Season factor of `type` at `time` relative to that at `now`: above 1 when a peak is ahead. */
  season(type: string, time: EpochMillis, now: EpochMillis): number {
    const seasons = this.#rates.get(type)?.seasons;
    return seasons === undefined ? 1 : seasons.factor(time) / Math.max(seasons.factor(now), 1e-6);
  }

  /** Whether the rate of `type` is in the middle of a significant change. */
  changed(type: string): boolean {
    return this.#rates.get(type)?.level.changed ?? false;
  }

  types(): IterableIterator<string> {
    return this.#rates.keys();
  }

  toState(): RatesState {
    return [...this.#rates].map(([type, rate]) => ({
      type,
      level: rate.level.toState(),
      seasons: rate.seasons.toState(),
      open: [...rate.open].sort((a, b) => a[0] - b[0]),
      next: rate.next,
      hour: rate.hour,
      hourCount: rate.hourCount,
      hourUsual: rate.hourUsual,
    }));
  }

  static fromState(state: RatesState): Rates {
    const rates = new Rates();
    for (const { type, level, seasons, open, ...rest } of state)
      rates.#rates.set(type, {
        ...rest,
        level: Level.fromState(level),
        seasons: Seasons.fromState(seasons),
        open: new Map(open),
      });
    return rates;
  }

  #start(type: string, tick: number): Rate | undefined {
    if (this.#rates.size >= MAX_TYPES) return undefined;
    const rate: Rate = {
      level: new Level(),
      seasons: new Seasons(),
      open: new Map(),
      // What the first reports tell of may have begun a little earlier.
      next: tick - LATENESS / TICK,
      hour: Math.floor((tick * TICK) / HOUR),
      hourCount: 0,
      hourUsual: 0,
    };
    this.#rates.set(type, rate);
    return rate;
  }

  #judge(rate: Rate): boolean {
    const count = rate.open.get(rate.next) ?? 0;
    rate.open.delete(rate.next);
    const hour = Math.floor((rate.next * TICK) / HOUR);
    if (hour !== rate.hour) this.#closeHour(rate, hour);
    rate.hourCount += count;
    return rate.level.observe(count);
  }

  #closeHour(rate: Rate, hour: number): void {
    rate.hourUsual += (rate.hourCount - rate.hourUsual) * (rate.hourUsual === 0 ? 1 : HOUR_USUAL_RATE);
    rate.seasons.observe(epochMillis(rate.hour * HOUR), rate.hourCount, rate.hourUsual);
    rate.hour = hour;
    rate.hourCount = 0;
  }
}

/** The average hour is averaged over about a week. */
const HOUR_USUAL_RATE = 1 / 168;
