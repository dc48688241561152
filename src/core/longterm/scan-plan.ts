import { HOUR, MINUTE } from "../units.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import { LONG_TERM, type Moment, SHORT_TERM } from "./decay.ts";
import type { RegionDemand, ShardDemand } from "./demand.ts";

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
}

/** One message to one partition. */
export interface PartitionPlan {
  readonly partition: string;
  readonly prefetches: readonly PlannedShard[];
}

/** What the scan plans from. */
export interface ScanInputs {
  readonly demand: ReadonlyMap<string, RegionDemand>;
  readonly fade: Moment;
  /** How long anything has been observed, ms. */
  readonly observed: number;
}

/** The time that a decayed count stands for, so that count ÷ time is a rate, also when little has been observed. */
interface Spans {
  readonly short: number;
  readonly long: number;
}

/** Keys in one message to one partition, as the queue's contract has it. */
const MAX_KEYS = 100;
/** Plans remembered so that they are not repeated; when it is full nothing more is planned till some expire. */
const MAX_PLANNED = 20_000;
/** Below this a shard is more likely to be fetched in vain; partitions apply their own price besides. */
const MIN_PROBABILITY = 0.2;
/** How long ahead of its hour a seasonal peak is planned: a scan every few minutes must not miss it. */
const SEASON_LEAD = 15 * MINUTE;
/** How far into its hour a seasonal peak stays worth fetching. */
const SEASON_STAY = 20 * MINUTE;
/** A peak is an hour with so many times the usual demand. */
const PEAK = 1.5;
/** A shard is rising where its short-term rate is so many times the long-term one... */
const RISE = 4;
/** ...and so many requests lately are behind it. */
const MIN_RISING = 4;
/** Shards that say how alike two regions are. */
const COMPARED = 100;
/** Traffic of a small region is not taken for less than this of a large one's: a rise must not be scaled to infinity. */
const MIN_SHARE = 0.1;
/** How far ahead the working set and a rise are looked at; what is not asked for until then expires. */
const AHEAD = 10 * MINUTE;
/** A shard with so many requests lately is there already. */
const WARM = 1;

/** Chance of at least one request where `expected` come on average (Poisson). */
const chanceOf = (expected: number): number => (expected > 0 ? -Math.expm1(-expected) : 0);

/** τ·(1 − e^(−observed/τ)); a minute at least, or the first report would look like a flood. */
function spansOf({ observed }: ScanInputs): Spans {
  const over = (tau: number): number => Math.max(MINUTE, -tau * Math.expm1(-Math.max(0, observed) / tau));
  return { short: over(SHORT_TERM), long: over(LONG_TERM) };
}

/** Requests expected in the next {@link AHEAD}. */
const expectedSoon = ({ requests, longTerm }: ShardDemand, { short, long }: Spans): number =>
  AHEAD * Math.max(requests / short, longTerm / long);

/**
 * Plans what a partition cannot know by itself: peaks of the season ahead of their hour, what rises in other regions
 * that want the same shards, and the working set of a partition that came back cold. Remembers what it planned and
 * does not repeat it before it expires.
 */
export class ScanPlanner {
  /** For each partition, until when a shard's last plan holds. */
  readonly #planned = new Map<string, Map<string, number>>();
  #count = 0;

  /** O(regions² × shards + partitions × keys). */
  plan(now: number, partitions: readonly ScannedPartition[], inputs: ScanInputs): readonly PartitionPlan[] {
    this.#prune(now);
    const slots = countBy(partitions, ({ region }) => region);
    const byRegion = new Map<string, readonly PlannedShard[]>();
    for (const [region, count] of slots)
      byRegion.set(region, [...seasonal(region, count, now, inputs), ...rising(region, count, now, inputs)]);
    return partitions.flatMap((partition) => {
      const wanted = [...(byRegion.get(partition.region) ?? [])];
      if (partition.cold)
        wanted.push(...workingSet(partition.region, slots.get(partition.region) ?? 1, now, inputs));
      const prefetches = this.#choose(partition.name, wanted);
      return prefetches.length === 0 ? [] : [{ partition: partition.name, prefetches }];
    });
  }

  /** Forgets that these were planned. */
  unplan(plans: readonly PartitionPlan[]): void {
    for (const { partition, prefetches } of plans)
      for (const { shard } of prefetches) if (this.#planned.get(partition)?.delete(shard)) this.#count--;
  }

  write(writer: ByteWriter): void {
    writer.count(this.#planned.size);
    for (const [partition, shards] of this.#planned) {
      writer.name(partition);
      writer.count(shards.size);
      for (const [shard, expires] of shards) {
        writer.name(shard);
        writer.count(Math.max(0, Math.round(expires)));
      }
    }
  }

  read(reader: ByteReader): void {
    for (let left = reader.count(); left > 0; left--) {
      const shards = this.#shardsOf(reader.name());
      for (let more = reader.count(); more > 0; more--) {
        shards.set(reader.name(), reader.count());
        this.#count++;
      }
    }
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

/** What the coming hour of the week usually brings this region, and is not there yet. */
function seasonal(region: string, slots: number, now: number, inputs: ScanInputs): PlannedShard[] {
  const { demand, fade, observed } = inputs;
  const start = (Math.floor(now / HOUR) + 1) * HOUR;
  if (start - now > SEASON_LEAD) return [];
  const own = demand.get(region);
  if (own === undefined) return [];
  const { long } = spansOf(inputs);
  return own.peaks.expected(start, now - observed, fade).flatMap(({ shard, perHour }) => {
    const usual = (own.longTerm(shard, fade) / long) * HOUR;
    if (perHour < PEAK * usual || own.lately(shard, fade) >= WARM) return [];
    return planned(shard, chanceOf(perHour / slots), start, start + SEASON_STAY);
  });
}

/** What rises in other regions, as far as this one wants what they want. */
function rising(region: string, slots: number, now: number, inputs: ScanInputs): PlannedShard[] {
  const { demand, fade } = inputs;
  const own = demand.get(region);
  if (own === undefined) return [];
  const spans = spansOf(inputs);
  const ownTraffic = trafficOf(own.shards(fade), spans);
  return [...demand].flatMap(([other, theirs]) => {
    if (other === region) return [];
    const shards = theirs.shards(fade);
    const rises = shards.filter((one) => isRising(one, spans));
    if (rises.length === 0) return [];
    const likeness = affinity(shards, own, spans);
    const share = ownTraffic / Math.max(trafficOf(shards, spans), ownTraffic * MIN_SHARE) / slots;
    return rises
      .filter(({ shard }) => own.lately(shard, fade) < WARM)
      .flatMap((one) =>
        planned(one.shard, likeness * chanceOf(expectedSoon(one, spans) * share), now, now + AHEAD),
      );
  });
}

/** What a region's partition usually holds: its most wanted shards. */
function workingSet(region: string, slots: number, now: number, inputs: ScanInputs): PlannedShard[] {
  const spans = spansOf(inputs);
  return (inputs.demand.get(region)?.shards(inputs.fade) ?? []).flatMap((one) =>
    planned(one.shard, chanceOf(expectedSoon(one, spans) / slots), now, now + AHEAD),
  );
}

const planned = (shard: string, chance: number, arrival: number, expires: number): PlannedShard[] =>
  chance < MIN_PROBABILITY
    ? []
    : [{ shard, probability: chance, arrival: Math.round(arrival), expires: Math.round(expires) }];

/** Wanted lately far more than in the long term. */
const isRising = ({ requests, longTerm }: ShardDemand, { short, long }: Spans): boolean =>
  requests >= MIN_RISING && requests / short > (RISE * longTerm) / long;

const trafficOf = (shards: readonly ShardDemand[], { short, long }: Spans): number =>
  shards.reduce((sum, { requests, longTerm }) => sum + Math.max(requests / short, longTerm / long), 0);

/** Share of another region's established shards, the most wanted first, that this one wants, too. */
function affinity(theirs: readonly ShardDemand[], own: RegionDemand, spans: Spans): number {
  const established = theirs.filter((one) => !isRising(one, spans));
  const top = established.sort((a, b) => b.longTerm - a.longTerm).slice(0, COMPARED);
  // As much as "one of two" before anything is known.
  return (top.filter(({ shard }) => own.has(shard)).length + 1) / (top.length + 2);
}

/** Ties are broken by name, so that the same knowledge gives the same plan. */
const byProbability = (a: PlannedShard, b: PlannedShard): number =>
  b.probability - a.probability || (a.shard < b.shard ? -1 : 1);

function countBy<T>(items: readonly T[], key: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}
