import type { ShardEvent } from "../event.ts";
import {
  type EpochMillis,
  epochMillis,
  type Millis,
  millis,
  type Probability,
  probability,
  SECOND,
} from "../units.ts";
import { shardKey, typeKey } from "./keys.ts";
import { type ReportBody, ReportBuilder } from "./report-builder.ts";

/** A shard the user of an event is likely to want next. */
export interface Candidate {
  readonly shard: string;
  readonly probability: Probability;
  readonly expectedDelay: Millis;
}

/** What the coordinator knows and this partition may not: for each key, `[shard, probability, delay in ms]`. */
export type MapSlice = readonly (readonly [
  key: string,
  next: readonly (readonly [shard: string, probability: number, delay: number])[],
])[];

/** Users remembered; each costs some hundred bytes. */
const MAX_USERS = 10_000;
/** A pause longer than this begins a new visit: what follows did not follow from what was before. */
const VISIT_GAP = 30 * SECOND;

interface UserContext {
  readonly key: string;
  readonly type: string;
  readonly time: EpochMillis;
}

/** Collects what a partition reports, and predicts from what the coordinator knows. O(slice row) an event. */
export class Predictor {
  readonly #users = new Map<string, UserContext>();
  #shared: ReadonlyMap<string, readonly (readonly [string, number, number])[]> = new Map();
  readonly #report = new ReportBuilder();

  /** Learns from one event and predicts what the same user wants next. */
  observe(event: ShardEvent): readonly Candidate[] {
    const previous = this.#contextOf(event);
    if (event.shard !== undefined && previous !== undefined) this.#learn(previous, event, event.shard);
    const key = event.shard === undefined ? typeKey(event.type) : shardKey(event.shard);
    this.#report.seen(key);
    if (event.shard !== undefined) this.#report.seen(typeKey(event.type));
    if (previous !== undefined) this.#report.pair(previous.type, event.type);
    this.#remember(event, key);
    return this.#predict(key, event);
  }

  /** Counts a read for the demand the placement works from. */
  demand(shard: string, missed: boolean): void {
    this.#report.demand(shard, missed);
  }

  applySlice(slice: MapSlice): void {
    this.#shared = new Map(slice);
  }

  /** What was learned since the last call, or null when there is nothing. */
  takeReport(): ReportBody | null {
    return this.#report.take();
  }

  forget(): void {
    this.#users.clear();
    this.#shared = new Map();
    this.#report.take();
  }

  #contextOf(event: ShardEvent): UserContext | undefined {
    const context = this.#users.get(event.user);
    return context !== undefined && event.time - context.time <= VISIT_GAP ? context : undefined;
  }

  #learn(previous: UserContext, event: ShardEvent, shard: string): void {
    const delay = Math.max(0, event.time - previous.time);
    for (const from of new Set([previous.key, typeKey(previous.type)]))
      if (from !== shardKey(shard)) this.#report.edge(from, shard, delay);
  }

  #remember(event: ShardEvent, key: string): void {
    this.#users.delete(event.user);
    this.#users.set(event.user, { key, type: event.type, time: event.time });
    if (this.#users.size > MAX_USERS) {
      const [oldest] = this.#users.keys();
      if (oldest !== undefined) this.#users.delete(oldest);
    }
  }

  #predict(key: string, event: ShardEvent): readonly Candidate[] {
    return [...new Set([key, typeKey(event.type)])].flatMap((from) =>
      (this.#shared.get(from) ?? [])
        .filter(([shard]) => shard !== event.shard)
        .map(([shard, p, delay]) => ({ shard, probability: probability(p), expectedDelay: millis(delay) })),
    );
  }
}

/** When a candidate is expected, seen from `now`. */
export const arrivalOf = (candidate: Candidate, now: EpochMillis): EpochMillis =>
  epochMillis(now + candidate.expectedDelay);
