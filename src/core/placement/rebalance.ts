import { MINUTE } from "../units.ts";

/** Which shards a region keeps warm, the hottest first. */
export type Placement = Readonly<Record<string, readonly string[]>>;

export interface RegionDemandInput {
  readonly region: string;
  /** Shards by demand, the most wanted first. */
  readonly demand: readonly { readonly shard: string; readonly requests: number }[];
}

/** What a round of rebalancing changes in one region. */
export interface RegionMove {
  readonly region: string;
  /** Shards to be warmed there. */
  readonly warm: readonly string[];
  /** Shards no longer kept warm there; their copies may go when room is needed. */
  readonly release: readonly string[];
}

/** Decayed requests (τ = 5 min) below which a shard is cold: about one read in the last few minutes. */
const COLD_BELOW = 1.5;
/** Moves of one region in one round, so that a sudden change cannot flood R2 with reads. */
const MAX_MOVES = 100;

/** The time constant that demand is decayed with. */
const DEMAND_TERM = 5 * MINUTE;

/** Chance that a shard with this decayed demand is asked for within `span` ms (Poisson). */
export const warmingProbability = (requests: number, span: number): number =>
  -Math.expm1((-requests * span) / DEMAND_TERM);

/**
 * Keeps the hottest shards of each region warm there and releases the cold ones, within the caps. Pure: the same
 * demand gives the same moves. A shard kept warm stays until it is cold or pushed out by hotter ones.
 */
export function rebalance(
  current: Placement,
  regions: readonly RegionDemandInput[],
  limits: { readonly warmShardsPerRegion: number; readonly pinned: readonly string[] },
): { readonly placement: Placement; readonly moves: readonly RegionMove[] } {
  const placement: Record<string, readonly string[]> = {};
  const moves: RegionMove[] = [];
  for (const { region, demand } of regions) {
    const hot = demand.filter(({ requests }) => requests >= COLD_BELOW).map(({ shard }) => shard);
    const wanted = [...new Set([...limits.pinned, ...hot])].slice(0, limits.warmShardsPerRegion);
    const before = current[region] ?? [];
    const had = new Set(before);
    const wantedSet = new Set(wanted);
    const warm = wanted.filter((shard) => !had.has(shard)).slice(0, MAX_MOVES);
    const warmed = new Set(warm);
    placement[region] = wanted.filter((shard) => had.has(shard) || warmed.has(shard));
    const release = before.filter((shard) => !wantedSet.has(shard));
    if (warm.length + release.length > 0) moves.push({ region, warm, release });
  }
  return { placement, moves };
}
