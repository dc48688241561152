import { hash32 } from "../hash.ts";
import { isRegion, type Region } from "../placement/regions.ts";
import { regionTopology, type Topology } from "../placement/topology.ts";

/** A partition's address: `g<generation>:<region>:<slot>`. */
export interface PartitionAddress {
  readonly name: string;
  readonly region: Region;
  readonly generation: number;
  readonly slot: number;
}

const address = (region: Region, generation: number, slot: number): PartitionAddress => ({
  name: `g${generation}:${region}:${slot}`,
  region,
  generation,
  slot,
});

/**
 * The partition that serves a user of a region. Slots are chosen by rendezvous hashing (Thaler & Ravishankar
 * 1998), so that a change of n slots to n+1 moves only 1 user in n+1. O(slots).
 */
export function route(region: Region, user: string, topology: Topology): PartitionAddress {
  const { generation, slots } = regionTopology(topology, region);
  let best = 0;
  if (slots > 1) {
    let bestScore = -1;
    for (let slot = 0; slot < slots; slot++) {
      const score = hash32(user, slot + 1);
      if (score > bestScore) {
        bestScore = score;
        best = slot;
      }
    }
  }
  return address(region, generation, best);
}

/** Reads a partition's name back, or null when it is not one. */
export function parsePartitionName(name: string): PartitionAddress | null {
  const match = /^g([1-9]\d{0,8}):([a-z-]+):(0|[1-9]\d{0,3})$/.exec(name);
  const [, generation, region, slot] = match ?? [];
  if (region === undefined || !isRegion(region)) return null;
  return address(region, Number(generation), Number(slot));
}
