import { typeOfKey } from "../keys.ts";
import type { Moment } from "./decay.ts";
import type { EdgeTable } from "./edge-table.ts";
import { contingency, g2, isSignificant, lift, phi } from "./significance.ts";

/** How strongly `next` follows `type` within the horizon of the same user, with the evidence. */
export interface Correlation {
  readonly type: string;
  readonly next: string;
  readonly probability: number;
  /** When it follows, ms: the geometric mean. */
  readonly delay: number;
  /** Phi in [−1, 1], of "an event is of `type`" and "`next` follows it". */
  readonly coefficient: number;
  /** How many times more often than by chance. */
  readonly lift: number;
  /** Log-likelihood ratio against chance. */
  readonly g2: number;
  /** Decayed co-occurrences. */
  readonly count: number;
  /** Whether lift and G² pass the gates. */
  readonly significant: boolean;
}

/**
 * The correlation matrix between event types: that part of what follows event types which is event types. All cells, the
 * strongest first. O(types × width).
 */
export function correlations(types: EdgeTable, fade: Moment): readonly Correlation[] {
  const total = types.occurrences(fade);
  const byChance = types.byChance();
  return Array.from({ length: types.rows.size }, (_, row) => {
    const { seen, next: followers } = types.row(row, fade);
    return followers.flatMap(({ to, probability, delay, count }) => {
      const next = typeOfKey(to);
      if (next === null) return [];
      const table = contingency(count, seen, byChance(to) * total, total);
      const strength = { coefficient: phi(table), lift: lift(table), g2: g2(table) };
      const type = typeOfKey(types.rows.keyOf(row)) ?? "";
      return { type, next, probability, delay, ...strength, count, significant: isSignificant(table) };
    });
  })
    .flat()
    .sort((a, b) => b.coefficient - a.coefficient || b.count - a.count || (a.type < b.type ? -1 : 1));
}
