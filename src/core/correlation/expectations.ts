import { typeKey } from "../keys.ts";
import { HOUR, MINUTE, SECOND } from "../units.ts";
import type { Moment } from "./decay.ts";
import type { EdgeTable } from "./edge-table.ts";
import type { EventRate } from "./event-rates.ts";
import type { SurgeCell } from "./surges.ts";

/** Events of a type that are expected in a region. Times in ms since the epoch. */
export interface Expectation {
  readonly region: string;
  readonly type: string;
  /** That they come at all... */
  readonly probability: number;
  /** ...and then so many. */
  readonly events: number;
  readonly from: number;
  readonly until: number;
  /** Why, for people. */
  readonly cause: string;
}

/** How far ahead is looked; what is not asked for until then expires. */
export const AHEAD = 10 * MINUTE;
/** How long ahead of its hour a busy hour of the week is planned: a scan every few minutes must not miss it. */
const SEASON_LEAD = 15 * MINUTE;
/** How far into its hour that stays worth fetching for. */
const SEASON_STAY = 20 * MINUTE;
/** A busy hour has so many times the events of now. */
const PEAK = 1.5;
/** Characters of an event type in a cause. */
const MAX_NAME = 24;

/** What the hour to come usually brings, where that is more than there is now. O(series). */
export function inTheUsualHour(rates: readonly EventRate[], now: number): Expectation[] {
  const from = (Math.floor(now / HOUR) + 1) * HOUR;
  if (from - now > SEASON_LEAD) return [];
  return rates.flatMap(({ region, type, perSecond, perSecondInAnHour: usual }) =>
    usual === null || usual <= PEAK * perSecond
      ? []
      : {
          region,
          type,
          probability: 1,
          events: (usual * SEASON_STAY) / SECOND,
          from,
          until: from + SEASON_STAY,
          cause: `the usual hour of ${short(type)}`,
        },
  );
}

/** What surges under way announce. O(cells × series). */
export const announcedSurges = (
  rates: readonly EventRate[],
  cells: readonly SurgeCell[],
  now: number,
): Expectation[] =>
  cells.flatMap((cell) => {
    const first = rates.find(({ region, type }) => region === cell.region && type === cell.type);
    const at = (first?.onsets.at(-1)?.time ?? Number.NEGATIVE_INFINITY) + cell.delay;
    if (at + cell.tolerance < now) return [];
    return {
      region: cell.nextRegion,
      type: cell.next,
      probability: cell.probability,
      events: cell.events,
      from: at - cell.tolerance,
      until: at + cell.tolerance + AHEAD,
      cause: `${short(cell.type)} surged in ${cell.region}; ${short(cell.next)} follows in ${cell.nextRegion} after ${(cell.delay / MINUTE).toFixed(0)} min`,
    };
  });

/**
 * The shards that an expectation is a request for: the map's row of its type. Events of one visit ask once for what
 * they ask for, so the visits count: the events that none of the same type follows, which the matrix tells. O(width).
 */
export function asksOf(
  { type, probability, events }: Expectation,
  types: EdgeTable,
  fade: Moment,
): { readonly key: string; readonly chance: number }[] {
  const key = typeKey(type);
  const { next } = types.of(key, fade);
  const again = next.find(({ to }) => to === key)?.probability ?? 0;
  const visits = events * (1 - again);
  return next.map(({ to, probability: asked }) => ({
    key: to,
    chance: probability * chanceOf(visits * asked),
  }));
}

/** Chance of at least one where `expected` come on average (Poisson). */
export const chanceOf = (expected: number): number => (expected > 0 ? -Math.expm1(-expected) : 0);

const short = (type: string): string => (type.length > MAX_NAME ? `${type.slice(0, MAX_NAME - 1)}…` : type);
