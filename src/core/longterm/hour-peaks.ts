import { SpaceSaving } from "../collections/space-saving.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import type { Moment, Rescalable } from "./decay.ts";
import { HOURS_OF_WEEK, hourOfWeek, occurrences } from "./seasons.ts";

/** A shard that is wanted in a certain hour of the week. */
export interface HourPeak {
  readonly shard: string;
  /** Requests expected in one such hour. */
  readonly perHour: number;
}

/** Shards remembered of each hour of the week in a region: its peaks, not its tail. */
const PEAKS = 16;

/** Which shards each hour of the week brings in one region: 168 small Space-Saving summaries of four weeks. */
export class HourPeaks implements Rescalable {
  readonly #hours: (SpaceSaving | undefined)[] = new Array(HOURS_OF_WEEK);

  /** O(1), O(log PEAKS) when full. */
  add(shard: string, requests: number, at: Moment): void {
    const hour = hourOfWeek(at.time);
    const peaks = this.#hours[hour] ?? new SpaceSaving(PEAKS);
    this.#hours[hour] = peaks;
    peaks.add(shard, requests * at.season);
  }

  /** What the hour that begins at `start` is expected to bring; `first` is when observation began. O(PEAKS). */
  expected(start: number, first: number, fade: Moment): readonly HourPeak[] {
    const hour = hourOfWeek(start);
    const peaks = this.#hours[hour];
    const times = occurrences(hour, first, fade.time);
    if (peaks === undefined || times < MIN_OBSERVED) return [];
    return Array.from({ length: peaks.size }, (_, slot) => ({
      shard: peaks.keyOf(slot),
      perHour: (peaks.guaranteed(slot) * fade.season) / times,
    }));
  }

  rescale(_short: number, _long: number, season: number): void {
    for (const peaks of this.#hours) peaks?.rescale(season);
  }

  write(writer: ByteWriter): void {
    for (let hour = 0; hour < HOURS_OF_WEEK; hour++) {
      const peaks = this.#hours[hour];
      writer.count(peaks?.size ?? 0);
      for (const slot of peaks?.ranked() ?? []) {
        writer.name(peaks?.keyOf(slot) ?? "");
        writer.sparse([peaks?.count[slot] ?? 0, peaks?.error[slot] ?? 0]);
      }
    }
  }

  read(reader: ByteReader): void {
    for (let hour = 0; hour < HOURS_OF_WEEK; hour++) {
      const size = reader.count();
      if (size === 0) continue;
      const peaks = new SpaceSaving(PEAKS);
      for (let left = size; left > 0; left--) {
        const shard = reader.name();
        const [count = 0, error = 0] = reader.sparse(2);
        peaks.restore(shard, count, error);
      }
      this.#hours[hour] = peaks;
    }
  }
}

/** Hours of this kind that must have been observed, or what they bring is not known. */
const MIN_OBSERVED = 0.1;
