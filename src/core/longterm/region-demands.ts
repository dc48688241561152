import { MAX_KEY_LENGTH, shardOfKey } from "../keys.ts";
import type { ReportBody } from "../reporting/report.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import type { Moment, Rescalable } from "./decay.ts";
import { RegionDemand, type ShardDemand } from "./demand.ts";

/** Regions are eleven; a broken report must not invent more without end. */
export const MAX_REGIONS = 32;

/** What each region wants. */
export class RegionDemands implements Rescalable {
  readonly #regions = new Map<string, RegionDemand>();
  readonly #maxShards: number;

  /** @param maxShards shards whose demand is known, a region. */
  constructor(maxShards: number) {
    this.#maxShards = maxShards;
  }

  /** The regions that reported, with what they want. */
  get regions(): ReadonlyMap<string, RegionDemand> {
    return this.#regions;
  }

  /** O(entries). */
  add(region: string, { names, demand }: ReportBody, at: Moment): void {
    const shards = this.#of(region);
    if (shards === null) return;
    for (const [index, requests, misses, bytes] of demand) {
      const key = names[index] ?? "";
      const shard = key.length > MAX_KEY_LENGTH ? null : shardOfKey(key);
      if (shard !== null) shards.add(shard, requests, misses, bytes, at);
    }
  }

  /** A region's shards, the most wanted first. O(shards log shards). */
  ranked(region: string, fade: Moment): readonly ShardDemand[] {
    const shards = this.#regions.get(region)?.shards(fade) ?? [];
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
      const requests = shards.longTerm(shard, fade);
      if (requests > most) [busiest, most] = [region, requests];
    }
    return busiest;
  }

  rescale(short: number, long: number, season: number): void {
    for (const shards of this.#regions.values()) shards.rescale(short, long, season);
  }

  write(writer: ByteWriter): void {
    writer.count(this.#regions.size);
    for (const [region, shards] of this.#regions) {
      writer.name(region);
      shards.write(writer);
    }
  }

  read(reader: ByteReader): void {
    for (let left = reader.count(); left > 0; left--) {
      const shards = new RegionDemand(this.#maxShards);
      this.#regions.set(reader.name(), shards);
      shards.read(reader);
    }
  }

  #of(region: string): RegionDemand | null {
    const known = this.#regions.get(region);
    if (known !== undefined) return known;
    if (this.#regions.size === MAX_REGIONS) return null;
    const shards = new RegionDemand(this.#maxShards);
    this.#regions.set(region, shards);
    return shards;
  }
}
