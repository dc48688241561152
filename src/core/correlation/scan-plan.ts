import { BoundedMap } from "../collections/bounded-map.ts";
import { shardOfKey } from "../keys.ts";
import { MINUTE } from "../units.ts";
import { LONG_TERM, type Moment, SHORT_TERM } from "./decay.ts";
import type { Demand } from "./demand.ts";
import type { EdgeTable } from "./edge-table.ts";
import { AHEAD, asksOf, chanceOf, type Expectation } from "./expectations.ts";

/** A partition as the scan sees it. */
export interface ScannedPartition {
  readonly name: string;
  readonly region: string;
  /** It has lately come back with an empty memory. */
  readonly cold: boolean;
}

/** A shard to be fetched; times in ms since the epoch. */
export interface PlannedShard {
  readonly shard: string;
  readonly probability: number;
  readonly arrival: number;
  readonly expires: number;
  /** Why, for people. */
  readonly cause: string;
}

/** What one partition is to fetch for about the same time. */
export interface PartitionPlan {
  readonly partition: string;
  readonly prefetches: readonly PlannedShard[];
}

/** The partition that will hold the copy of a shard for a region. */
export type TargetOf = (region: string, shard: string) => string;

/** What the scan plans from. */
export interface ScanInputs {
  /** Events that are expected in the regions. */
  readonly expectations: readonly Expectation[];
  /** The map's rows of event types. */
  readonly types: EdgeTable;
  readonly demand: Demand;
  readonly fade: Moment;
  /** How long anything has been observed, ms. */
  readonly observed: number;
  readonly targetOf: TargetOf;
  /** Whether a cold partition gets back what its region wants. */
  readonly workingSets: boolean;
}

/** Shards planned for one partition by one scan, as many as a message of the queue holds. */
const MAX_KEYS = 100;
/** Plans remembered so that they are not repeated; the oldest are forgotten first. */
const MAX_PLANNED = 20_000;
/** Below this a shard is more likely to be fetched in vain; partitions apply their own price besides. */
const MIN_PROBABILITY = 0.2;
/** A shard with so many requests lately is there already. */
const WARM = 1;

/**
 * Plans what a partition cannot know by itself: what the events expected in its region will ask for and is not there
 * lately, and the working set of a partition that came back cold. Remembers what it planned and does not repeat it before
 * it expires; a restart may repeat it, and partitions have it already.
 */
export class ScanPlanner {
  /** Until when a plan holds, by partition and shard. */
  readonly #planned = new BoundedMap<string, number>(MAX_PLANNED);

  /** O(expectations × width + partitions × keys). */
  plan(now: number, partitions: readonly ScannedPartition[], inputs: ScanInputs): PartitionPlan[] {
    const cold = new Set(partitions.filter((one) => one.cold).map(({ name }) => name));
    const wanted = new Map<string, PlannedShard[]>();
    for (const region of new Set(partitions.map((one) => one.region))) {
      const back = partitions.some((one) => one.cold && one.region === region);
      const candidates = [
        ...expected(region, inputs),
        ...(back && inputs.workingSets ? workingSet(region, now, inputs) : []),
      ];
      for (const one of candidates) {
        const target = inputs.targetOf(region, one.shard);
        if (one.probability < MIN_PROBABILITY || (one.cause === CAME_BACK && !cold.has(target))) continue;
        const known = wanted.get(target);
        if (known === undefined) wanted.set(target, [one]);
        else known.push(one);
      }
    }
    return [...wanted].flatMap(([partition, shards]) =>
      byMinute(this.#choose(partition, shards, now)).map((prefetches) => ({ partition, prefetches })),
    );
  }

  /** Forgets that these were planned. */
  unplan(plans: readonly PartitionPlan[]): void {
    for (const { partition, prefetches } of plans)
      for (const { shard } of prefetches) this.#planned.delete(keyOf(partition, shard));
  }

  /** The likeliest shards that are not planned already, each once. */
  #choose(partition: string, wanted: readonly PlannedShard[], now: number): readonly PlannedShard[] {
    const chosen: PlannedShard[] = [];
    for (const one of wanted.toSorted(byProbability)) {
      if (chosen.length === MAX_KEYS) break;
      const key = keyOf(partition, one.shard);
      if ((this.#planned.get(key) ?? 0) > now) continue;
      this.#planned.set(key, one.expires);
      chosen.push(one);
    }
    return chosen;
  }
}

const keyOf = (partition: string, shard: string): string => `${partition} ${shard}`;

/** What the events expected in a region will ask for there, and was not asked for lately. */
const expected = (region: string, { expectations, types, demand, fade }: ScanInputs): PlannedShard[] =>
  expectations
    .filter((one) => one.region === region)
    .flatMap((one) =>
      asksOf(one, types, fade).flatMap(({ key, chance }) => {
        const shard = shardOfKey(key);
        if (shard === null || (demand.of(region, shard, fade)?.requests ?? 0) >= WARM) return [];
        return { shard, probability: chance, arrival: one.from, expires: one.until, cause: one.cause };
      }),
    );

const CAME_BACK = "came back cold";

/** What a region's partitions usually hold: its most wanted shards. */
function workingSet(region: string, now: number, { demand, fade, observed }: ScanInputs): PlannedShard[] {
  // A decayed count stands for τ·(1 − e^(−observed/τ)); a minute at least, or the first report would look like a flood.
  const spanOf = (tau: number): number => Math.max(MINUTE, -tau * Math.expm1(-observed / tau));
  const [short, long] = [spanOf(SHORT_TERM), spanOf(LONG_TERM)];
  return demand.ranked(region, fade).map(({ shard, requests, longTerm }) => {
    const chance = chanceOf(AHEAD * Math.max(requests / short, longTerm / long));
    return { shard, probability: chance, arrival: now, expires: now + AHEAD, cause: CAME_BACK };
  });
}

/** Ties are broken by name, so that the same knowledge gives the same plan. */
const byProbability = (a: PlannedShard, b: PlannedShard): number =>
  b.probability - a.probability || (a.shard < b.shard ? -1 : 1);

/** A message is delivered at one time: what is wanted at another travels in another. */
const byMinute = (shards: readonly PlannedShard[]): PlannedShard[][] => [
  ...Map.groupBy(shards, ({ arrival }) => Math.floor(arrival / MINUTE)).values(),
];
