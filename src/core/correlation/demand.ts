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
}

/** Regions are eleven; a broken report must not invent more without end. */
export const MAX_REGIONS = 32;

/** The heaviest shards of a region, and their requests lately, by slot. */
interface RegionDemand {
  readonly shards: SpaceSaving;
  readonly lately: Float64Array;
}

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
    const own = this.#in(region);
    for (const [index, requests] of own === undefined ? [] : demand) {
      const key = names[index] ?? "";
      const shard = key.length > MAX_KEY_LENGTH ? null : shardOfKey(key);
      if (shard === null || own === undefined) continue;
      const slot = own.shards.add(shard, requests * at.long);
      own.lately[slot] = (own.lately[slot] as number) + requests * at.short;
    }
  }

  /** What a region wants of a shard; null when it is not known. O(1). */
  of(region: string, shard: string, fade: Moment): ShardDemand | null {
    const own = this.#regions.get(region);
    const slot = own?.shards.find(shard) ?? -1;
    return own === undefined || slot < 0 ? null : demandAt(own, slot, fade);
  }

  /** A region's shards, the most wanted first. O(shards log shards). */
  ranked(region: string, fade: Moment): readonly ShardDemand[] {
    const own = this.#regions.get(region);
    if (own === undefined) return [];
    // Ties are broken by name, so that the same knowledge gives the same order.
    return Array.from({ length: own.shards.size }, (_, slot) => demandAt(own, slot, fade)).sort(
      (a, b) => b.requests - a.requests || b.longTerm - a.longTerm || (a.shard < b.shard ? -1 : 1),
    );
  }

  /** The region that wants the shard most in the long term; "" before any has reported. O(regions). */
  busiest(shard: string, fade: Moment): string {
    let busiest = "";
    let most = -1;
    for (const region of this.#regions.keys()) {
      const requests = this.of(region, shard, fade)?.longTerm ?? 0;
      if (requests > most) [busiest, most] = [region, requests];
    }
    return busiest;
  }

  rescale(short: number, long: number): void {
    for (const { shards, lately } of this.#regions.values()) {
      shards.rescale(long);
      multiply(lately, short);
    }
  }

  write(writer: ByteWriter): void {
    writer.count(this.#regions.size);
    for (const [region, { shards, lately }] of this.#regions) {
      writer.name(region);
      writer.count(shards.size);
      for (const slot of shards.ranked()) {
        writer.name(shards.keyOf(slot));
        writer.sparse([shards.count, shards.error, lately].map((values) => values[slot] as number));
      }
    }
  }

  read(reader: ByteReader): void {
    for (let regions = reader.count(); regions > 0; regions--) {
      const own = this.#in(reader.name());
      for (let left = reader.count(); left > 0; left--) {
        const shard = reader.name();
        const [count = 0, error = 0, lately = 0] = reader.sparse(3);
        if (own !== undefined) own.lately[own.shards.restore(shard, count, error)] = lately;
      }
    }
  }

  #in(region: string): RegionDemand | undefined {
    const known = this.#regions.get(region);
    if (known !== undefined || this.#regions.size === MAX_REGIONS) return known;
    const lately = new Float64Array(this.#maxShards);
    const own = {
      lately,
      shards: new SpaceSaving(this.#maxShards, (slot) => lately.fill(0, slot, slot + 1)),
    };
    this.#regions.set(region, own);
    return own;
  }
}

const demandAt = ({ shards, lately }: RegionDemand, slot: number, fade: Moment): ShardDemand => ({
  shard: shards.keyOf(slot),
  requests: (lately[slot] as number) * fade.short,
  longTerm: shards.guaranteed(slot) * fade.long,
});
