import { SpaceSaving } from "../collections/space-saving.ts";
import type { ByteReader, ByteWriter } from "./byte-codec.ts";
import type { Moment, Rescalable } from "./decay.ts";
import { type Contingency, g2, isSignificant, lift, phi } from "./significance.ts";

/** How strongly `next` follows `type`, with the evidence. */
export interface Correlation {
  readonly type: string;
  readonly next: string;
  /** Phi in [−1, 1], of "an event is of `type`" and "`next` follows it within the lookahead". */
  readonly coefficient: number;
  /** How many times more often than by chance. */
  readonly lift: number;
  /** Log-likelihood ratio against chance. */
  readonly g2: number;
  /** Decayed co-occurrences; the nearer the follower, the more one counts. */
  readonly count: number;
  /** Pearson's coefficient of the two types' rates over the last ten minutes. */
  readonly rateCoefficient: number;
  /** Whether lift and G² pass the gates, so that it may be acted upon. */
  readonly significant: boolean;
}

/** Followers shown of each event type: the strongest. */
const TOP = 16;
const SEPARATOR = "\u0000";

/**
 * The correlation matrix between event types: sparse, from decayed counts of which type followed which within the
 * lookahead of the same user. Bounded by Space-Saving, since callers may invent types endlessly.
 */
export class CorrelationMatrix implements Rescalable {
  readonly #pairs: SpaceSaving;

  constructor(maxPairs: number) {
    this.#pairs = new SpaceSaving(maxPairs);
  }

  /** An event of type `next` followed one of `type`, with this weight. O(1). */
  add(type: string, next: string, weight: number, at: Moment): void {
    this.#pairs.add(type + SEPARATOR + next, weight * at.long);
  }

  /**
   * All cells, the strongest first, at most {@link TOP} of each type. `seen` is how often a type occurred, `rate` how
   * two types' rates correlate. O(pairs log pairs).
   */
  correlations(
    fade: Moment,
    seen: (type: string) => number,
    total: number,
    rate: (type: string, next: string) => number,
  ): readonly Correlation[] {
    const cells = this.#cells(fade);
    const into = new Map<string, number>();
    for (const { next, count } of cells) into.set(next, (into.get(next) ?? 0) + count);
    const shown = new Map<string, number>();
    return cells
      .map(({ type, next, count }) => {
        const table: Contingency = tableOf(count, seen(type), into.get(next) ?? 0, total);
        return {
          type,
          next,
          count,
          coefficient: phi(table),
          lift: lift(table),
          g2: g2(table),
          rateCoefficient: rate(type, next),
          significant: isSignificant(table),
        };
      })
      .sort((a, b) => b.coefficient - a.coefficient || b.count - a.count)
      .filter(({ type }) => {
        const before = shown.get(type) ?? 0;
        shown.set(type, before + 1);
        return before < TOP;
      });
  }

  rescale(_short: number, long: number): void {
    this.#pairs.rescale(long);
  }

  write(writer: ByteWriter): void {
    writer.count(this.#pairs.size);
    for (const slot of this.#pairs.ranked()) {
      const [type = "", next = ""] = this.#pairs.keyOf(slot).split(SEPARATOR);
      writer.name(type);
      writer.name(next);
      writer.float(this.#pairs.count[slot] as number);
      writer.sparse([this.#pairs.error[slot] as number]);
    }
  }

  read(reader: ByteReader): void {
    for (let left = reader.count(); left > 0; left--) {
      const key = reader.name() + SEPARATOR + reader.name();
      const count = reader.float();
      this.#pairs.restore(key, count, reader.sparse(1)[0] ?? 0);
    }
  }

  #cells(fade: Moment): { type: string; next: string; count: number }[] {
    return Array.from({ length: this.#pairs.size }, (_, slot) => {
      const [type = "", next = ""] = this.#pairs.keyOf(slot).split(SEPARATOR);
      return { type, next, count: this.#pairs.guaranteed(slot) * fade.long };
    });
  }
}

/** Bounded summaries lose a little on either side: the margins are at least what they must be. */
function tableOf(both: number, first: number, second: number, total: number): Contingency {
  const row = Math.max(first, both);
  const column = Math.max(second, both);
  return { both, first: row, second: column, total: Math.max(total, row + column - both) };
}
