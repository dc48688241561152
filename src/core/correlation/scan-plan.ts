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
/** Plans remembered so that they are not repeated; when it is full nothing more is planned till some expire. */
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
  /** For each partition, until when a shard's last plan holds. */
  readonly #planned = new Map<string, Map<string, number>>();
  #count = 0;

  /** O(expectations × width + partitions × keys). */
  plan(now: number, partitions: readonly ScannedPartition[], inputs: ScanInputs): readonly PartitionPlan[] {
    this.#prune(now);
    const cold = new Set(partitions.filter((one) => one.cold).map(({ name }) => name));
    const wanted = new Map<string, PlannedShard[]>();
    for (const region of new Set(partitions.map((one) => one.region))) {
      const { targetOf } = inputs;
      const back = inputs.workingSets ? workingSet(region, now, inputs) : [];
      for (const one of [...expected(region, inputs), ...back]) {
        const target = targetOf(region, one.shard);
        if (one.cause === CAME_BACK && !cold.has(target)) continue;
        wanted.set(target, [...(wanted.get(target) ?? []), one]);
      }
    }
    return [...wanted].flatMap(([partition, shards]) =>
      [...byMinute(this.#choose(partition, shards))].map((prefetches) => ({ partition, prefetches })),
    );
  }

  /** Forgets that these were planned. */
  unplan(plans: readonly PartitionPlan[]): void {
    for (const { partition, prefetches } of plans)
      for (const { shard } of prefetches) if (this.#planned.get(partition)?.delete(shard)) this.#count--;
  }

  /** The likeliest shards that are not planned already, each once. */
  #choose(partition: string, wanted: readonly PlannedShard[]): readonly PlannedShard[] {
    const chosen: PlannedShard[] = [];
    const planned = this.#planned.get(partition);
    const taken = new Set<string>();
    for (const one of [...wanted].sort(byProbability)) {
      if (chosen.length === MAX_KEYS || this.#count === MAX_PLANNED) break;
      if (taken.has(one.shard) || planned?.has(one.shard)) continue;
      taken.add(one.shard);
      chosen.push(one);
      this.#count++;
    }
    if (chosen.length > 0) {
      const remembered = this.#shardsOf(partition);
      for (const { shard, expires } of chosen) remembered.set(shard, expires);
    }
    return chosen;
  }

  #shardsOf(partition: string): Map<string, number> {
    const known = this.#planned.get(partition) ?? new Map<string, number>();
    this.#planned.set(partition, known);
    return known;
  }

  #prune(now: number): void {
    for (const [partition, shards] of this.#planned) {
      for (const [shard, expires] of shards)
        if (expires <= now) {
          shards.delete(shard);
          this.#count--;
        }
      if (shards.size === 0) this.#planned.delete(partition);
    }
  }
}

/** What the events expected in a region will ask for there, and was not asked for lately. */
function expected(region: string, { expectations, types, demand, fade }: ScanInputs): PlannedShard[] {
  return expectations
    .filter((one) => one.region === region)
    .flatMap((one) =>
      asksOf(one, types, fade).flatMap(({ key, chance }) => {
        const shard = shardOfKey(key);
        return shard === null || (demand.of(region, shard, fade)?.requests ?? 0) >= WARM
          ? []
          : planned(shard, chance, one.from, one.until, one.cause);
      }),
    );
}

const CAME_BACK = "came back cold";

/** What a region's partitions usually hold: its most wanted shards. */
function workingSet(region: string, now: number, { demand, fade, observed }: ScanInputs): PlannedShard[] {
  // A decayed count stands for τ·(1 − e^(−observed/τ)); a minute at least, or the first report would look like a flood.
  const spanOf = (tau: number): number => Math.max(MINUTE, -tau * Math.expm1(-observed / tau));
  const [short, long] = [spanOf(SHORT_TERM), spanOf(LONG_TERM)];
  return demand
    .ranked(region, fade)
    .flatMap(({ shard, requests, longTerm }) =>
      planned(
        shard,
        chanceOf(AHEAD * Math.max(requests / short, longTerm / long)),
        now,
        now + AHEAD,
        CAME_BACK,
      ),
    );
}

function planned(
  shard: string,
  chance: number,
  arrival: number,
  expires: number,
  cause: string,
): PlannedShard[] {
  if (chance < MIN_PROBABILITY) return [];
  return [{ shard, probability: chance, arrival: Math.round(arrival), expires: Math.round(expires), cause }];
}

/** Ties are broken by name, so that the same knowledge gives the same plan. */
const byProbability = (a: PlannedShard, b: PlannedShard): number =>
  b.probability - a.probability || (a.shard < b.shard ? -1 : 1);

/** A message is delivered at one time: what is wanted at another travels in another. */
const byMinute = (shards: readonly PlannedShard[]): Iterable<PlannedShard[]> =>
  Map.groupBy(shards, ({ arrival }) => Math.floor(arrival / MINUTE)).values();
