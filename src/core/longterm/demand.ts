import { SpaceSaving } from "../collections/space-saving.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import { type Moment, multiply, type Rescalable } from "./decay.ts";
import { HourPeaks } from "./hour-peaks.ts";

/** How much a region wants a shard. */
export interface ShardDemand {
  readonly shard: string;
  /** Requests lately (τ = 5 min). */
  readonly requests: number;
  /** Requests in the long term (τ = 7 d). */
  readonly longTerm: number;
  /** Misses in the long term. */
  readonly misses: number;
  /** Mean bytes of a request. */
  readonly bytes: number;
}

/** The shards a region wants, by demand at two time scales, the heaviest of them; and its hours' peaks. */
export class RegionDemand implements Rescalable {
  readonly #shards: SpaceSaving;
  readonly peaks = new HourPeaks();
  readonly #short: Float64Array;
  readonly #misses: Float64Array;
  readonly #bytes: Float64Array;

  constructor(maxShards: number) {
    this.#short = new Float64Array(maxShards);
    this.#misses = new Float64Array(maxShards);
    this.#bytes = new Float64Array(maxShards);
    this.#shards = new SpaceSaving(maxShards, (slot) => {
      for (const values of [this.#short, this.#misses, this.#bytes]) values[slot] = 0;
    });
  }

  /** O(1), O(log shards) when full. */
  add(shard: string, requests: number, misses: number, bytes: number, at: Moment): void {
    const slot = this.#shards.add(shard, requests * at.long);
    this.#short[slot] = (this.#short[slot] as number) + requests * at.short;
    this.#misses[slot] = (this.#misses[slot] as number) + misses * at.long;
    this.#bytes[slot] = (this.#bytes[slot] as number) + bytes * at.long;
    this.peaks.add(shard, requests, at);
  }

  /** Long-term requests of a shard; 0 when it is not known. O(1). */
  longTerm(shard: string, fade: Moment): number {
    const slot = this.#shards.find(shard);
    return slot < 0 ? 0 : this.#shards.guaranteed(slot) * fade.long;
  }

  /** Requests of a shard lately. O(1). */
  lately(shard: string, fade: Moment): number {
    const slot = this.#shards.find(shard);
    return slot < 0 ? 0 : (this.#short[slot] as number) * fade.short;
  }

  has(shard: string): boolean {
    return this.#shards.find(shard) >= 0;
  }

  /** All shards, in no particular order. O(shards). */
  shards(fade: Moment): ShardDemand[] {
    return Array.from({ length: this.#shards.size }, (_, slot) => {
      const longTerm = this.#shards.guaranteed(slot);
      return {
        shard: this.#shards.keyOf(slot),
        requests: (this.#short[slot] as number) * fade.short,
        longTerm: longTerm * fade.long,
        misses: (this.#misses[slot] as number) * fade.long,
        bytes: longTerm > 0 ? (this.#bytes[slot] as number) / longTerm : 0,
      };
    });
  }

  rescale(short: number, long: number, season: number): void {
    this.#shards.rescale(long);
    this.peaks.rescale(short, long, season);
    multiply(this.#short, short);
    multiply(this.#misses, long);
    multiply(this.#bytes, long);
  }

  write(writer: ByteWriter): void {
    this.peaks.write(writer);
    writer.count(this.#shards.size);
    for (const slot of this.#shards.ranked()) {
      writer.name(this.#shards.keyOf(slot));
      writer.sparse([
        this.#shards.count[slot] as number,
        this.#shards.error[slot] as number,
        this.#short[slot] as number,
        this.#misses[slot] as number,
        this.#bytes[slot] as number,
      ]);
    }
  }

  read(reader: ByteReader): void {
    this.peaks.read(reader);
    for (let left = reader.count(); left > 0; left--) {
      const shard = reader.name();
      const [count = 0, error = 0, short = 0, misses = 0, bytes = 0] = reader.sparse(5);
      const slot = this.#shards.restore(shard, count, error);
      this.#short[slot] = short;
      this.#misses[slot] = misses;
      this.#bytes[slot] = bytes;
    }
  }
}
