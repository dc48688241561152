import { jsonBytes } from "../json-bytes.ts";
import { shardOfKey } from "../keys.ts";
import type { DeltaEntry, DeltaSuccessor, MapDelta } from "../map-delta.ts";
import { MINUTE, SECOND } from "../units.ts";

/** A delta travels in an answer to a heartbeat; 64 KB with its envelope. */
const MAX_DELTA_BYTES = 60_000;
/** Rows of event types and patterns are needed everywhere; where they are many, they leave shards so many bytes. */
const BYTES_FOR_SHARDS = 30_000;
/** Versions are made no oftener: partitions ask every ten seconds, and each version costs a pass over what changed. */
const VERSION_EVERY = 2 * SECOND;
/** Who has a version older than this gets the best delta whole. */
const REMEMBERED = MINUTE;
/** A probability that moved by less is no news. */
const MATERIAL = 0.05;
/** What a row is worth where nobody wants its shard yet, as a share of what it is worth to all. */
const UNKNOWN_WORTH = 0.05;

interface Published {
  readonly next: readonly DeltaSuccessor[];
  /** The version it came with. */
  readonly version: number;
  /** How often the key occurs, decayed. */
  seen: number;
}

/** A row, and what it is worth: about the prefetches that get used. */
interface Ranked {
  readonly entry: DeltaEntry;
  readonly worth: number;
}

/** What a region wants of a shard: requests, decayed as occurrences of keys are. */
export type DemandFor = (shard: string) => number;

/** Versions of the probability map as partitions know it: who knows one version is told what changed since. */
export class MapVersions {
  readonly #published = new Map<string, Published>();
  /** Differences by the version they start from, and the best delta of each region. */
  readonly #memo = new Map<number | string, MapDelta>();
  #version = 0;
  /** The version that is being made, and the first that was. */
  #next = Number.NEGATIVE_INFINITY;
  #first = Number.POSITIVE_INFINITY;

  /** Begins a version, into which rows are put from now on; false when the last one is too new. O(rows). */
  begin(now: number): boolean {
    if (now < this.#next + VERSION_EVERY) return false;
    // Versions are times, so that none is given twice even when a restart forgets the last ones.
    this.#next = Math.max(this.#version + 1, Math.floor(now));
    this.#first = Math.min(this.#first, this.#next);
    for (const [key, { next, version }] of this.#published)
      if (next.length === 0 && version < this.#oldest) this.#published.delete(key);
    return true;
  }

  /** Whether there is, or lately was, a row of `key`. O(1). */
  has(key: string): boolean {
    return this.#published.has(key);
  }

  /** The map's row of `key` as of now. News only when it differs materially from what was put before. O(width). */
  put(key: string, next: readonly DeltaSuccessor[], seen: number): void {
    const published = this.#published.get(key);
    if (published === undefined ? next.length === 0 : !differs(published.next, next)) {
      if (published !== undefined) published.seen = seen;
      return;
    }
    this.#published.set(key, { next, seen, version: this.#next });
    this.#version = this.#next;
    this.#memo.clear();
  }

  /**
   * What changed since `version`, or the best there is for `region` when that is too long ago or too much; null when
   * nothing changed. Memoised: a thousand partitions asking cost little more than one a region. O(rows log rows).
   */
  since(version: number, region: string, demandFor: DemandFor): MapDelta | null {
    if (version === this.#version) return null;
    const known = this.#memo.get(version) ?? this.#memo.get(region);
    if (known !== undefined) return known;
    const difference = version < this.#oldest ? null : this.#difference(version);
    const delta = difference ?? this.#whole(demandFor);
    this.#memo.set(difference === null ? region : version, delta);
    return delta;
  }

  get #oldest(): number {
    return Math.max(this.#first, this.#version - REMEMBERED);
  }

  #difference(since: number): MapDelta | null {
    const entries = [...this.#published].flatMap(([key, { next, version }]): DeltaEntry[] =>
      version > since ? [[key, next]] : [],
    );
    const bytes = entries.reduce((sum, entry) => sum + jsonBytesOf(entry), 0);
    return bytes > MAX_DELTA_BYTES ? null : { version: this.#version, whole: false, entries };
  }

  #whole(demandFor: DemandFor): MapDelta {
    const shards: Ranked[] = [];
    const others: Ranked[] = [];
    for (const [key, { next, seen }] of this.#published) {
      if (next.length === 0) continue;
      const shard = shardOfKey(key);
      const told = next.reduce((sum, [, probability]) => sum + probability, 0);
      const uses = shard === null ? seen : demandFor(shard) + UNKNOWN_WORTH * seen;
      (shard === null ? others : shards).push({ entry: [key, next], worth: told * uses });
    }
    const first = bestOf(others, MAX_DELTA_BYTES - BYTES_FOR_SHARDS);
    const entries = [...first.entries, ...bestOf(shards, MAX_DELTA_BYTES - first.bytes).entries];
    return { version: this.#version, whole: true, entries };
  }
}

/** The most worthy rows, as many as fit. */
function bestOf(rows: Ranked[], room: number): { readonly entries: DeltaEntry[]; readonly bytes: number } {
  const entries: DeltaEntry[] = [];
  let bytes = 0;
  for (const { entry } of rows.sort((a, b) => b.worth - a.worth)) {
    const more = jsonBytesOf(entry);
    if (bytes + more > room) break;
    bytes += more;
    entries.push(entry);
  }
  return { entries, bytes };
}

function differs(published: readonly DeltaSuccessor[], next: readonly DeltaSuccessor[]): boolean {
  if (published.length !== next.length || published[0]?.[0] !== next[0]?.[0]) return true;
  return next.some(([shard, probability]) => {
    const before = published.find(([known]) => known === shard);
    return before === undefined || Math.abs(before[1] - probability) > MATERIAL;
  });
}

/** Bytes of the numbers of one successor: `[…,0.123,12345],`. */
const SUCCESSOR_NUMBERS = 24;

const jsonBytesOf = ([key, next]: DeltaEntry): number =>
  next.reduce((sum, [shard]) => sum + jsonBytes(shard) + SUCCESSOR_NUMBERS, jsonBytes(key) + 6);
