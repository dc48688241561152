import type { Region } from "./regions.ts";
import { type HotShards, spreadHot } from "./spread.ts";

/** How a region's partitions are named and how many there are. A new generation is how objects "move". */
export interface RegionTopology {
  readonly generation: number;
  readonly slots: number;
  /** Shards asked for so much that other slots hold them than usual, or several: by shard, their slots. */
  readonly hot?: HotShards;
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

/** The topology with hot shards spread by what each region wants lately; a new version where anything moved. */
export function spreadRegions(
  topology: Topology,
  demandOf: (region: string) => readonly { readonly shard: string; readonly requests: number }[],
): Topology {
  let isMoved = false;
  const regions = Object.entries(topology.regions).map(([region, known]) => {
    const hot = spreadHot(demandOf(region), known.slots, known.hot);
    isMoved ||= JSON.stringify(hot) !== JSON.stringify(known.hot ?? {});
    return [region, { ...known, hot }] as const;
  });
  return isMoved ? { version: topology.version + 1, regions: Object.fromEntries(regions) } : topology;
}
