import { hash32 } from "../hash.ts";
import { isRegion, type Region, RUNS_IN } from "../placement/regions.ts";
import { holdersOf } from "../placement/spread.ts";
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

/** Users are spread independently of shards: a user's own shards are not all at the user's home. */
const HOME_SEED = 0x40e;

/** The partition in which what a user of a region does is learned from. O(slots). */
export function homeOf(region: Region, user: string, topology: Topology): PartitionAddress {
  const place = RUNS_IN[region];
  const { generation, slots } = regionTopology(topology, place);
  return address(place, generation, rendezvous(user, slots, HOME_SEED));
}

/**
 * The partition that holds a shard for a user of a region: of those that hold a hot one, always the same for a user.
 * O(slots).
 */
export function ownerOf(region: Region, shard: string, user: string, topology: Topology): PartitionAddress {
  const place = RUNS_IN[region];
  const { generation, slots, hot } = regionTopology(topology, place);
  const holders = holdersOf(hot, shard);
  const slot = holders?.[hash32(user, HOME_SEED) % holders.length];
  return address(place, generation, slot ?? rendezvous(shard, slots, 1));
}

/** All partitions of the region that a region's users are served in. O(slots). */
export function partitionsOf(region: Region, topology: Topology): readonly PartitionAddress[] {
  const place = RUNS_IN[region];
  const { generation, slots } = regionTopology(topology, place);
  return Array.from({ length: slots }, (_, slot) => address(place, generation, slot));
}

/**
 * The slot of a key by rendezvous hashing (Thaler & Ravishankar 1998), so that a change of n slots to n+1 moves only 1 key
 * in n+1. O(slots).
 */
function rendezvous(key: string, slots: number, seed: number): number {
  let best = 0;
  let bestScore = -1;
  for (let slot = 0; slots > 1 && slot < slots; slot++) {
    const score = hash32(key, slot + seed);
    if (score > bestScore) [best, bestScore] = [slot, score];
  }
  return best;
}

/** Reads a partition's name back, or null when it is not one. */
export function parsePartitionName(name: string): PartitionAddress | null {
  const match = /^g([1-9]\d{0,8}):([a-z-]+):(0|[1-9]\d{0,3})$/.exec(name);
  const [, generation, region, slot] = match ?? [];
  if (region === undefined || !isRegion(region)) return null;
  return address(region, Number(generation), Number(slot));
}
