import type { Kind, ShardTable } from "./shard-table.ts";

/** Bytes of what is saved of one entry besides its text. */
const FACT_BYTES = 51;
/** A text with one of these takes two bytes a character, any other takes one. */
const WIDE = /[\u0100-\uffff]/;

/** Entries of a {@link ShardTable} and what is worth knowing of them elsewhere, in columns. Ages in ticks; -1: never. */
export interface ShardFacts {
  readonly texts: readonly string[];
  readonly kinds: Uint8Array;
  readonly counts: Int32Array;
  /** Since the last demand, and the gaps before it. */
  readonly ages: Int32Array;
  readonly gaps: Int32Array;
  readonly gaps2: Int32Array;
  readonly shortRates: Float32Array;
  readonly longRates: Float32Array;
  /** Of the last demand, ms since the epoch. */
  readonly times: Float64Array;
  readonly types: Int32Array;
  readonly kindsSeen: Uint8Array;
  readonly predicted: Float32Array;
  /** Since it was predicted. */
  readonly predictedAges: Int32Array;
}

const bytesOf = (text: string): number => (WIDE.test(text) ? 2 * text.length : text.length);
const ageOf = (at: number, tick: number): number => (at === 0 ? -1 : tick - at);

/** Collects the entries that what is saved names, each once, within a bound of bytes. */
export class NamedShards {
  readonly #shards: ShardTable;
  /** Number of each handle named, from 1. */
  readonly #numbers = new Map<number, number>();
  /** Bytes of the entries named so far. */
  bytes = 0;

  constructor(shards: ShardTable) {
    this.#shards = shards;
  }

  /** Bytes that naming the entry of a reference would add; 0 when it is named already, or gone. */
  costOf(reference: number): number {
    const handle = this.#shards.resolve(reference);
    if (handle === 0 || this.#numbers.has(handle)) return 0;
    return FACT_BYTES + bytesOf(this.#shards.ids[handle] as string);
  }

  /** The number of the entry that a reference stands for, which is named if need be; 0 when it is gone. */
  numberOf(reference: number): number {
    const handle = this.#shards.resolve(reference);
    if (handle === 0) return 0;
    const known = this.#numbers.get(handle);
    if (known !== undefined) return known;
    this.bytes += this.costOf(reference);
    this.#numbers.set(handle, this.#numbers.size + 1);
    return this.#numbers.size;
  }

  /** What is known at `tick` of the entries named, by their numbers. O(entries). */
  toFacts(tick: number): ShardFacts {
    const t = this.#shards;
    const handles = [...this.#numbers.keys()];
    const column = (from: ArrayLike<number>) => handles.map((handle) => from[handle] as number);
    const ages = (from: ArrayLike<number>) => handles.map((handle) => ageOf(from[handle] as number, tick));
    return {
      texts: handles.map((handle) => t.ids[handle] as string),
      kinds: Uint8Array.from(column(t.kind)),
      counts: Int32Array.from(column(t.count)),
      ages: Int32Array.from(ages(t.last)),
      gaps: Int32Array.from(column(t.gap)),
      gaps2: Int32Array.from(column(t.gap2)),
      shortRates: Float32Array.from(column(t.shortRate)),
      longRates: Float32Array.from(column(t.longRate)),
      times: Float64Array.from(column(t.lastMs)),
      types: Int32Array.from(column(t.type)),
      kindsSeen: Uint8Array.from(column(t.kindsSeen)),
      predicted: Float32Array.from(column(t.predicted)),
      predictedAges: Int32Array.from(ages(t.predictedAt)),
    };
  }
}

/**
 * Takes in what `facts` tell, where more demands were seen of an entry than here. Returns the references of the entries
 * by their numbers. O(entries).
 */
export function absorbFacts(shards: ShardTable, facts: ShardFacts, tick: number): Int32Array {
  const references = new Int32Array(facts.texts.length + 1);
  facts.texts.forEach((text, i) => {
    const handle = shards.intern(text, facts.kinds[i] as Kind);
    shards.touch(handle);
    references[i + 1] = shards.reference(handle);
    const isNews = (shards.count[handle] as number) <= (facts.counts[i] as number);
    if (isNews) learnFacts(shards, handle, facts, i, tick);
  });
  return references;
}

function learnFacts(t: ShardTable, handle: number, facts: ShardFacts, i: number, tick: number): void {
  const tickOf = (age: number): number => (age < 0 ? 0 : Math.max(1, tick - age));
  t.count[handle] = facts.counts[i] as number;
  t.last[handle] = tickOf(facts.ages[i] as number);
  t.gap[handle] = facts.gaps[i] as number;
  t.gap2[handle] = facts.gaps2[i] as number;
  t.shortRate[handle] = facts.shortRates[i] as number;
  t.longRate[handle] = facts.longRates[i] as number;
  t.lastMs[handle] = facts.times[i] as number;
  t.type[handle] = facts.types[i] as number;
  t.kindsSeen[handle] = facts.kindsSeen[i] as number;
  t.predicted[handle] = facts.predicted[i] as number;
  t.predictedAt[handle] = tickOf(facts.predictedAges[i] as number);
}
