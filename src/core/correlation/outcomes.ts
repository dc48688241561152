import { countsOf, READ_COUNTS, type ReadCounts } from "../reporting/read-counts.ts";
import { MAX, type ReportBody } from "../reporting/report.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import { type Moment, multiply, type Rescalable } from "./decay.ts";
import { MAX_REGIONS } from "./demand.ts";

/** How reads went, in the long term (τ = 7 d). */
export interface RegionReadStats {
  readonly region: string;
  readonly counts: ReadCounts;
}

/** One tenth of predicted probability: what was predicted on average, and what came. */
export interface CalibrationBin {
  readonly predictions: number;
  readonly predicted: number;
  readonly used: number;
}

/** Decayed sums of how reads went in each region, and of how good the predictions were. */
export class Outcomes implements Rescalable {
  readonly #regions = new Map<string, Float64Array>();
  readonly #calibration = new Float64Array(3 * MAX.calibration);

  /** O(1). */
  add(region: string, { totals, calibration }: ReportBody, at: Moment): void {
    const counts = READ_COUNTS.map((name) => totals[name]);
    if (this.#regions.has(region) || this.#regions.size < MAX_REGIONS) add(this.#of(region), counts, at.long);
    add(this.#calibration, calibration.flat(), at.long);
  }

  regions(fade: Moment): readonly RegionReadStats[] {
    return [...this.#regions].map(([region, sums]) => ({
      region,
      counts: countsOf((_name, index) => (sums[index] as number) * fade.long),
    }));
  }

  calibration(fade: Moment): readonly CalibrationBin[] {
    return Array.from({ length: MAX.calibration }, (_, i) => {
      const [n = 0, sum = 0, used = 0] = this.#calibration.subarray(3 * i);
      return { predictions: n * fade.long, predicted: n > 0 ? sum / n : 0, used: n > 0 ? used / n : 0 };
    });
  }

  rescale(_short: number, long: number): void {
    for (const sums of [this.#calibration, ...this.#regions.values()]) multiply(sums, long);
  }

  write(writer: ByteWriter): void {
    writer.sparse(this.#calibration);
    writer.count(this.#regions.size);
    for (const [region, sums] of this.#regions) {
      writer.name(region);
      writer.sparse(sums);
    }
  }

  read(reader: ByteReader): void {
    this.#calibration.set(reader.sparse(this.#calibration.length));
    for (let left = reader.count(); left > 0; left--)
      this.#of(reader.name()).set(reader.sparse(READ_COUNTS.length));
  }

  #of(region: string): Float64Array {
    const sums = this.#regions.get(region) ?? new Float64Array(READ_COUNTS.length);
    this.#regions.set(region, sums);
    return sums;
  }
}

function add(sums: Float64Array, values: readonly number[], weight: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (values[i] ?? 0) * weight;
}
