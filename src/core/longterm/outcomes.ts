import { countsOf, READ_COUNTS, type ReadCounts } from "../reporting/read-counts.ts";
import type { ReportBody } from "../reporting/report.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import { type Moment, multiply, type Rescalable } from "./decay.ts";
import { MAX_REGIONS } from "./region-demands.ts";

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

const BINS = 10;

/** Decayed sums of how reads went in each region, and of how good the predictions were. */
export class Outcomes implements Rescalable {
  readonly #regions = new Map<string, Float64Array>();
  readonly #calibration = new Float64Array(3 * BINS);

  /** O(1). */
  add(region: string, { totals, calibration }: ReportBody, at: Moment): void {
    const sums = this.#sumsOf(region);
    if (sums === null) return;
    for (const [i, name] of READ_COUNTS.entries()) sums[i] = (sums[i] as number) + totals[name] * at.long;
    calibration.slice(0, BINS).forEach((bin, i) => {
      bin.forEach((n, j) => {
        this.#calibration[3 * i + j] = (this.#calibration[3 * i + j] as number) + n * at.long;
      });
    });
  }

  regions(fade: Moment): readonly RegionReadStats[] {
    return [...this.#regions].map(([region, sums]) => ({
      region,
      counts: countsOf((_name, index) => (sums[index] as number) * fade.long),
    }));
  }

  calibration(fade: Moment): readonly CalibrationBin[] {
    return Array.from({ length: BINS }, (_, i) => {
      const [n, sum, used] = Array.from(this.#calibration.subarray(3 * i, 3 * i + 3)) as [
        number,
        number,
        number,
      ];
      return {
        predictions: n * fade.long,
        predicted: n > 0 ? sum / n : 0,
        used: n > 0 ? used / n : 0,
      };
    });
  }

  rescale(_short: number, long: number): void {
    for (const sums of this.#regions.values()) multiply(sums, long);
    multiply(this.#calibration, long);
  }

  write(writer: ByteWriter): void {
    writer.count(this.#regions.size);
    for (const [region, sums] of this.#regions) {
      writer.name(region);
      writer.sparse(sums);
    }
    writer.sparse(this.#calibration);
  }

  read(reader: ByteReader): void {
    for (let left = reader.count(); left > 0; left--)
      this.#regions.set(reader.name(), Float64Array.from(reader.sparse(READ_COUNTS.length)));
    this.#calibration.set(reader.sparse(3 * BINS));
  }

  #sumsOf(region: string): Float64Array | null {
    const known = this.#regions.get(region);
    if (known !== undefined) return known;
    if (this.#regions.size === MAX_REGIONS) return null;
    const sums = new Float64Array(READ_COUNTS.length);
    this.#regions.set(region, sums);
    return sums;
  }
}
