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
import { Successors } from "./successors.ts";

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
/** Rows of the successor table: with 16 successors of usual ids about 20 MB when full. */
const MAX_ROWS = 8_000;
/** A pause longer than this begins a new visit: what follows did not follow from what was before. */
const VISIT_GAP = 30 * SECOND;
/** Candidates below this are never worth a fetch. */
const LEAST_PROBABILITY = 0.02;
/** Candidates returned at most; a burst must not fan out without bound. */
const MAX_CANDIDATES = 8;

interface UserContext {
  readonly key: string;
  readonly type: string;
  readonly time: EpochMillis;
}

/**
 * Learns which shard follows which, and which shard an event type leads to, from one partition's events, and
 * predicts from that and from the coordinator's slice. One shared table, context per user. O(row width) an event.
 */
export class Predictor {
  readonly #successors = new Successors(MAX_ROWS);
  readonly #users = new Map<string, UserContext>();
  #shared: ReadonlyMap<string, readonly (readonly [string, number, number])[]> = new Map();
  readonly #report = new ReportBuilder();

  /** Learns from one event and predicts what the same user wants next. */
  observe(event: ShardEvent): readonly Candidate[] {
    const previous = this.#contextOf(event);
    if (event.shard !== undefined && previous !== undefined) this.#learn(previous, event, event.shard);
    const key = event.shard === undefined ? typeKey(event.type) : shardKey(event.shard);
    this.#seen(key, event.time);
    if (event.shard !== undefined) this.#seen(typeKey(event.type), event.time);
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
    this.#successors.clear();
    this.#shared = new Map();
    this.#report.take();
  }

  #contextOf(event: ShardEvent): UserContext | undefined {
    const context = this.#users.get(event.user);
    return context !== undefined && event.time - context.time <= VISIT_GAP ? context : undefined;
  }

  #learn(previous: UserContext, event: ShardEvent, shard: string): void {
    const delay = Math.max(0, event.time - previous.time);
    for (const from of new Set([previous.key, typeKey(previous.type)])) {
      if (from === shardKey(shard)) continue;
      this.#successors.link(from, shard, 1, delay, event.time);
      this.#report.edge(from, shard, delay);
    }
  }

  #seen(key: string, time: number): void {
    this.#successors.see(key, 1, time);
    this.#report.seen(key);
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
    const best = new Map<string, Candidate>();
    const offer = (shard: string, p: number, delay: number): void => {
      if (p < LEAST_PROBABILITY || shard === event.shard) return;
      if (p <= (best.get(shard)?.probability ?? 0)) return;
      best.set(shard, { shard, probability: probability(p), expectedDelay: millis(delay) });
    };
    for (const from of new Set([key, typeKey(event.type)])) {
      for (const next of this.#successors.after(from, event.time))
        offer(next.to, next.probability, next.delay);
      for (const [shard, p, delay] of this.#shared.get(from) ?? []) offer(shard, p, delay);
    }
    return [...best.values()].sort((a, b) => b.probability - a.probability).slice(0, MAX_CANDIDATES);
  }
}

/** When a candidate is expected, seen from `now`. */
export const arrivalOf = (candidate: Candidate, now: EpochMillis): EpochMillis =>
  epochMillis(now + candidate.expectedDelay);
