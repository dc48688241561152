import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import type { Moment, Rescalable } from "./decay.ts";
import { HOURS_OF_WEEK, hourOfWeek, occurrences } from "./seasons.ts";
import { SpaceSaving } from "./space-saving.ts";

/** A shard that a region wants in a certain hour of the week. */
export interface HourPeak {
  readonly region: string;
  readonly shard: string;
  /** Requests expected in one such hour. */
  readonly perHour: number;
}

/** Shards remembered of each hour of the week: its peaks, not its tail. */
const PEAKS = 32;
const SEPARATOR = "\u0000";

/** Which shards each hour of the week brings, region by region: 168 small Space-Saving summaries of four weeks. */
export class HourPeaks implements Rescalable {
  readonly #hours: (SpaceSaving | undefined)[] = new Array(HOURS_OF_WEEK);
  #first = Number.POSITIVE_INFINITY;

  /** O(1), O(log PEAKS) when full. */
  add(region: string, shard: string, requests: number, at: Moment): void {
    const hour = hourOfWeek(at.time);
    let peaks = this.#hours[hour];
    if (peaks === undefined) {
      peaks = new SpaceSaving(PEAKS);
      this.#hours[hour] = peaks;
    }
    peaks.add(region + SEPARATOR + shard, requests * at.season);
    this.#first = Math.min(this.#first, at.time);
  }

  /** What the hour that begins at `start` is expected to bring, as of `now` before it. O(PEAKS). */
  expected(start: number, now: number, fade: Moment): readonly HourPeak[] {
    const hour = hourOfWeek(start);
    const peaks = this.#hours[hour];
    const times = occurrences(hour, this.#first, now);
    if (peaks === undefined || times < 0.1) return []; // Never observed, or so long ago that it means nothing.
    return Array.from({ length: peaks.size }, (_, slot) => {
      const [region = "", shard = ""] = peaks.keyOf(slot).split(SEPARATOR);
      return { region, shard, perHour: (peaks.guaranteed(slot) * fade.season) / times };
    });
  }

  rescale(_short: number, _long: number, season: number): void {
    for (const peaks of this.#hours) peaks?.rescale(season);
  }

  write(writer: ByteWriter): void {
    writer.float(this.#first);
    for (let hour = 0; hour < HOURS_OF_WEEK; hour++) {
      const peaks = this.#hours[hour];
      writer.count(peaks?.size ?? 0);
      for (const slot of peaks?.ranked() ?? []) {
        const [region = "", shard = ""] = (peaks as SpaceSaving).keyOf(slot).split(SEPARATOR);
        writer.name(region);
        writer.name(shard);
        writer.sparse([
          (peaks as SpaceSaving).count[slot] as number,
          (peaks as SpaceSaving).error[slot] as number,
        ]);
      }
    }
  }

  read(reader: ByteReader): void {
    this.#first = reader.float();
    for (let hour = 0; hour < HOURS_OF_WEEK; hour++) {
      const size = reader.count();
      if (size === 0) continue;
      const peaks = new SpaceSaving(PEAKS);
      for (let left = size; left > 0; left--) {
        const key = reader.name() + SEPARATOR + reader.name();
        const [count = 0, error = 0] = reader.sparse(2);
        peaks.restore(key, count, error);
      }
      this.#hours[hour] = peaks;
    }
  }
}
