import type { DelayHistogram } from "../learning/delay-histogram.ts";
import { absorbFacts, NamedShards, type ShardFacts } from "../learning/named-shards.ts";
import type { ShardTable } from "../learning/shard-table.ts";
import type { ExpertMixture, MixtureState } from "./expert-mixture.ts";
import type { NumberTemplates } from "./number-templates.ts";
import type { RowColumns } from "./row-columns.ts";
import type { RowTable } from "./row-table.ts";
import type { SharedMap } from "./shared-map.ts";
import { saveStrongest } from "./strongest-rows.ts";
import type { Successors } from "./successors.ts";
import type { SuffixTemplates } from "./suffix-templates.ts";
import { type UserColumns, UserWriter } from "./user-columns.ts";
import type { UserHistories } from "./user-histories.ts";

/** Share of the bytes for rows and what they name; users' last steps have the rest. */
const ROWS_SHARE = 0.7;
/** Bytes of a saved user besides their steps, and of a step. */
const USER_BYTES = 30;
const STEP_BYTES = 8;

/** What a predictor knows, without anything that means something in one instance only. */
export interface PredictorMind {
  readonly shards: ShardFacts;
  /** Of each table; targets are numbers of `shards` from 1, but for the number templates', which are differences. */
  readonly tables: readonly RowColumns[];
  readonly users: UserColumns;
  readonly mixture: MixtureState;
  readonly arrival: Float64Array;
  readonly kindsTell: number;
  readonly mapRates: Float32Array;
}

/** The learners a predictor consists of. */
export interface PredictorLearners {
  readonly shards: ShardTable;
  readonly histories: UserHistories;
  readonly successors: Successors;
  readonly numbers: NumberTemplates;
  readonly suffixes: SuffixTemplates;
  readonly map: SharedMap;
  readonly mixture: ExpertMixture;
  readonly arrival: DelayHistogram;
}

/** What is worth keeping as of `tick`: the strongest rows and the latest users in `limit` bytes, and all tuning. O(model). */
export function savePredictor(learners: PredictorLearners, tick: number, limit: number): PredictorMind {
  const named = new NamedShards(learners.shards);
  const tables = saveStrongest(
    tablesOf(learners).map(({ table, isNamed }) => ({
      table,
      costOf: (target) => (isNamed ? named.costOf(target) : 0),
      targetOf: (target) => (isNamed ? named.numberOf(target) : target),
    })),
    limit * ROWS_SHARE,
  );
  const users = saveUsers(learners.histories, named, tick, limit * (1 - ROWS_SHARE));
  return {
    shards: named.toFacts(tick),
    tables,
    users,
    mixture: learners.mixture.toState(),
    arrival: learners.arrival.toState(),
    kindsTell: learners.successors.kindsTell,
    mapRates: learners.map.toState(),
  };
}

/**
 * Takes a mind in, as of `tick`: what is stronger here stays. Its tuning is taken over only `asWiser`. Throws a RangeError,
 * with nothing changed, when it is of a predictor of other parts. O(mind).
 */
export function absorbPredictor(
  learners: PredictorLearners,
  mind: PredictorMind,
  tick: number,
  asWiser: boolean,
): void {
  const tables = tablesOf(learners);
  if (mind.tables.length !== tables.length)
    throw new RangeError("this mind is of a predictor of other tables");
  if (asWiser) absorbTuning(learners, mind);
  const references = absorbFacts(learners.shards, mind.shards, tick);
  const referenceOf = (number: number): number => references[number] ?? 0;
  tables.forEach(({ table, isNamed }, i) => {
    table.absorb(mind.tables[i] as RowColumns, isNamed ? referenceOf : (target) => target);
  });
  learners.histories.absorb(mind.users, tick, referenceOf);
}

function absorbTuning({ mixture, arrival, successors, map }: PredictorLearners, mind: PredictorMind): void {
  mixture.restore(mind.mixture);
  arrival.restore(mind.arrival);
  map.restore(mind.mapRates);
  successors.kindsTell = mind.kindsTell;
}

function tablesOf(learners: PredictorLearners): readonly { table: RowTable; isNamed: boolean }[] {
  const { successors, numbers, suffixes } = learners;
  return [
    ...successors.tables.map((table) => ({ table, isNamed: true })),
    ...numbers.tables.map((table) => ({ table, isNamed: false })),
    ...suffixes.tables.map((table) => ({ table, isNamed: true })),
  ];
}

function saveUsers(histories: UserHistories, named: NamedShards, tick: number, limit: number): UserColumns {
  const writer = new UserWriter();
  let left = limit;
  for (const slot of histories.byLatest()) {
    const before = named.bytes;
    const steps = histories.save(slot, tick, writer, (reference) => named.numberOf(reference));
    left -= USER_BYTES + steps * STEP_BYTES + named.bytes - before;
    if (left < 0) break;
  }
  return writer.toColumns();
}
