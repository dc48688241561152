import { holdersOf } from "../../src/core/placement/spread.ts";
import { regionTopology, type Topology } from "../../src/core/placement/topology.ts";
import { homeOf, ownerOf, type PartitionAddress } from "../../src/core/routing/route.ts";

/** A partition among those of its region: which users are at home here, and which shards are held here. */
export class Neighbours {
  readonly #address: PartitionAddress;
  readonly #topology: () => Topology;

  constructor(address: PartitionAddress, topology: () => Topology) {
    this.#address = address;
    this.#topology = topology;
  }

  get own(): string {
    return this.#address.name;
  }

  /** The partition that learns from what a user does; null when it is this one. O(slots). */
  homeOf(user: string): string | null {
    return this.#isAlone ? null : this.#other(homeOf(this.#address.region, user, this.#topology()));
  }

  /** The partition that holds a shard; null when it is this one, or this one of several. O(slots). */
  ownerOf(shard: string): string | null {
    if (this.#isAlone) return null;
    const topology = this.#topology();
    const { region, slot } = this.#address;
    const isHolder = holdersOf(topology.regions[region]?.hot, shard)?.includes(slot) === true;
    return isHolder ? null : this.#other(ownerOf(region, shard, "", topology));
  }

  /** The usual case, in which nothing has to be worked out. */
  get #isAlone(): boolean {
    return regionTopology(this.#topology(), this.#address.region).slots < 2;
  }

  #other({ name, generation }: PartitionAddress): string | null {
    // A generation that was left serves whoever still comes, by itself.
    return name === this.#address.name || generation !== this.#address.generation ? null : name;
  }
}
