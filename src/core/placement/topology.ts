import type { Region } from "./regions.ts";

/** How a region's partitions are named and how many there are. A new generation is how objects "move". */
export interface RegionTopology {
  readonly generation: number;
  readonly slots: number;
  /** Shards asked for so much that other slots hold them than usual, or several: by shard, their slots. */
  readonly hot?: Readonly<Record<string, readonly number[]>>;
}

/** Which generation and how many slots each region has; regions not listed have the default. */
export interface Topology {
  readonly version: number;
  readonly regions: Readonly<Partial<Record<Region, RegionTopology>>>;
}

const DEFAULT_REGION_TOPOLOGY: RegionTopology = { generation: 1, slots: 1 };
export const INITIAL_TOPOLOGY: Topology = { version: 0, regions: {} };

export const regionTopology = (topology: Topology, region: Region): RegionTopology =>
  topology.regions[region] ?? DEFAULT_REGION_TOPOLOGY;
