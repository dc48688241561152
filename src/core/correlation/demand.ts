import { SpaceSaving } from "../collections/space-saving.ts";
import { MAX_KEY_LENGTH, shardOfKey } from "../keys.ts";
import type { ReportBody } from "../reporting/report.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import { type Moment, multiply, type Rescalable } from "./decay.ts";

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

/** Regions are eleven; a broken report must not invent more without end. */
export const MAX_REGIONS = 32;

/** The shards each region wants, by demand at two time scales, the heaviest of them. */
export class Demand implements Rescalable {
  readonly #regions = new Map<string, RegionDemand>();
  readonly #maxShards: number;

  /** @param maxShards shards whose demand is known, a region. */
  constructor(maxShards: number) {
    this.#maxShards = maxShards;
  }

  /** O(entries), O(log shards) each when full. */
  add(region: string, { names, demand }: ReportBody, at: Moment): void {
    const shards = this.#of(region);
    for (const [index, ...amounts] of demand) {
      const key = names[index] ?? "";
      const shard = key.length > MAX_KEY_LENGTH ? null : shardOfKey(key);
      if (shard !== null) shards?.add(shard, amounts, at);
    }
  }

  /** What a region wants of a shard; null when it is not known. O(1). */
  of(region: string, shard: string, fade: Moment): ShardDemand | null {
    return this.#regions.get(region)?.of(shard, fade) ?? null;
  }

  /** A region's shards, the most wanted first. O(shards log shards). */
  ranked(region: string, fade: Moment): readonly ShardDemand[] {
    const shards = this.#regions.get(region)?.all(fade) ?? [];
    // Ties are broken by name, so that the same knowledge gives the same order.
    return shards.sort(
      (a, b) => b.requests - a.requests || b.longTerm - a.longTerm || (a.shard < b.shard ? -1 : 1),
    );
  }

  /** The region that wants the shard most in the long term; "" before any has reported. O(regions). */
  busiest(shard: string, fade: Moment): string {
    let busiest = "";
    let most = -1;
    for (const [region, shards] of this.#regions) {
      const requests = shards.of(shard, fade)?.longTerm ?? 0;
      if (requests > most) [busiest, most] = [region, requests];
    }
    return busiest;
  }

  rescale(short: number, long: number): void {
    for (const shards of this.#regions.values()) shards.rescale(short, long);
  }

  write(writer: ByteWriter): void {
    writer.count(this.#regions.size);
    for (const [region, shards] of this.#regions) {
      writer.name(region);
      shards.write(writer);
    }
  }

  read(reader: ByteReader): void {
    for (let left = reader.count(); left > 0; left--) this.#of(reader.name())?.read(reader);
  }

  #of(region: string): RegionDemand | undefined {
    const known = this.#regions.get(region);
    if (known !== undefined || this.#regions.size === MAX_REGIONS) return known;
    const shards = new RegionDemand(this.#maxShards);
    this.#regions.set(region, shards);
    return shards;
  }
}

class RegionDemand {
  readonly #shards: SpaceSaving;
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

  add(shard: string, [requests, misses, bytes]: [number, number, number], at: Moment): void {
    const slot = this.#shards.add(shard, requests * at.long);
    this.#short[slot] = (this.#short[slot] as number) + requests * at.short;
    this.#misses[slot] = (this.#misses[slot] as number) + misses * at.long;
    this.#bytes[slot] = (this.#bytes[slot] as number) + bytes * at.long;
  }

  of(shard: string, fade: Moment): ShardDemand | null {
    const slot = this.#shards.find(shard);
    return slot < 0 ? null : this.#at(slot, fade);
  }

  all(fade: Moment): ShardDemand[] {
    return Array.from({ length: this.#shards.size }, (_, slot) => this.#at(slot, fade));
  }

  rescale(short: number, long: number): void {
    this.#shards.rescale(long);
    multiply(this.#short, short);
    multiply(this.#misses, long);
    multiply(this.#bytes, long);
  }

  write(writer: ByteWriter): void {
    writer.count(this.#shards.size);
    for (const slot of this.#shards.ranked()) {
      writer.name(this.#shards.keyOf(slot));
      const { count, error } = this.#shards;
      const columns = [count, error, this.#short, this.#misses, this.#bytes];
      writer.sparse(columns.map((values) => values[slot] as number));
    }
  }

  read(reader: ByteReader): void {
    for (let left = reader.count(); left > 0; left--) {
      const shard = reader.name();
      const [count = 0, error = 0, short = 0, misses = 0, bytes = 0] = reader.sparse(5);
      const slot = this.#shards.restore(shard, count, error);
      this.#short[slot] = short;
      this.#misses[slot] = misses;
      this.#bytes[slot] = bytes;
    }
  }

  #at(slot: number, fade: Moment): ShardDemand {
    const longTerm = this.#shards.guaranteed(slot);
    return {
      shard: this.#shards.keyOf(slot),
      requests: (this.#short[slot] as number) * fade.short,
      longTerm: longTerm * fade.long,
      misses: (this.#misses[slot] as number) * fade.long,
      bytes: longTerm > 0 ? (this.#bytes[slot] as number) / longTerm : 0,
    };
  }
}
