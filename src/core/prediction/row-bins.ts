import { PATTERN, SHARD, type ShardTable } from "../learning/shard-table.ts";
import type { Candidates } from "./candidates.ts";
import type { RowTable } from "./row-table.ts";

/** Bins for "my row does not name it", by how much the row has seen. */
export const ABSENT_BINS = 6;
const SHARE_BINS = 9;
const AGE_BINS = 4;
const COUNT_BINS = 6;
const ABSENT_PRIOR = 0.1;
const COUNT_MIDDLES = [1, 2, 3.5, 6, 12, 30] as const;
const SHARE_MIDDLES = [0.01, 0.03, 0.07, 0.14, 0.25, 0.4, 0.6, 0.8, 0.94] as const;
/** Bins an expert over a row table uses. */
export const ROW_BINS = ABSENT_BINS + COUNT_BINS * SHARE_BINS * AGE_BINS;

/** Where a bin's rate starts, before experience: about the share, trusted more the more often it was seen. */
export const priorOfBin = (bin: number): number => {
  if (bin < ABSENT_BINS) return ABSENT_PRIOR;
  const n = COUNT_MIDDLES[Math.floor((bin - ABSENT_BINS) / (SHARE_BINS * AGE_BINS))] as number;
  const share = SHARE_MIDDLES[Math.floor((bin - ABSENT_BINS) / AGE_BINS) % SHARE_BINS] as number;
  return (share * n) / (n + 1);
};

/** Stands for the user's own id in a pattern. */
export const USER_PLACEHOLDER = "\u0000";

const countBin = (n: number): number =>
  n < 1.5 ? 0 : n < 2.5 ? 1 : n < 4.5 ? 2 : n < 8.5 ? 3 : n < 17 ? 4 : 5;

const shareBin = (share: number): number => {
  if (share < 0.2) return share < 0.05 ? (share < 0.02 ? 0 : 1) : share < 0.1 ? 2 : 3;
  if (share < 0.5) return share < 0.32 ? 4 : 5;
  return share < 0.7 ? 6 : share < 0.88 ? 7 : 8;
};

const ageBin = (visits: number): number => (visits < 2 ? 0 : visits < 3 ? 1 : visits < 6 ? 2 : 3);

/** Bin for a target that came `n` times, in this share of the cases, last `age` visits ago. */
const rowBin = (n: number, share: number, age: number): number =>
  ABSENT_BINS + (countBin(n) * SHARE_BINS + shareBin(share)) * AGE_BINS + ageBin(age);

/** Bin for the target in `slot` of `row`: how often it came, in what share of the row's visits, how long ago. */
export const presentBin = (rows: RowTable, row: number, slot: number): number => {
  const n = rows.count(slot);
  const total = rows.total(row);
  return rowBin(n, total > n ? n / total : 1, rows.age(row, slot));
};

/** Bin for what a row of this total does not name. */
export const absentBin = (total: number): number =>
  total < 0.5 ? 0 : total < 1.5 ? 1 : total < 3.5 ? 2 : total < 8.5 ? 3 : total < 20 ? 4 : 5;

/** Times a relation was seen before it is believed by itself. */
const MIN_SEEN = 3;

/** Probability by a relation seen `n` times in `total` cases alone; 0 while it was seen too seldom. */
const directProbability = (n: number, total: number): number =>
  n < MIN_SEEN ? 0 : ((n / Math.max(n, total)) * n) / (n + 1);

/**
 * Names the targets of `row` that came in at least `minShare` of its visits; patterns are filled in with the user's
 * id. O(slots).
 */
export function nameTargets(
  rows: RowTable,
  row: number,
  minShare: number,
  shards: ShardTable,
  user: string,
  candidates: Candidates,
  expert: number,
): void {
  const least = minShare * rows.total(row);
  const from = row * rows.slots;
  for (let slot = from; slot < from + rows.slots; slot++) {
    const n = rows.count(slot);
    if (n === 0 || n < least) continue;
    const target = shards.resolve(rows.targets[slot] as number);
    const handle = target === 0 ? 0 : shardOf(target, shards, user);
    if (handle === 0) continue;
    candidates.say(handle, expert, presentBin(rows, row, slot));
    const delayStep = rows.delayStep(slot);
    if (delayStep > 0) candidates.follows(handle, directProbability(n, rows.total(row)), delayStep);
  }
}

/** The shard a target means for this user, or 0 when it means none. */
export function shardOf(target: number, shards: ShardTable, user: string): number {
  const kind = shards.kind[target] as number;
  if (kind === SHARD) return target;
  if (kind !== PATTERN) return 0;
  return shards.intern((shards.ids[target] as string).replaceAll(USER_PLACEHOLDER, user));
}
