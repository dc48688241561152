import { jsonBytes } from "../json-bytes.ts";
import type { DeltaEntry, DeltaSuccessor, MapDelta } from "../map-delta.ts";
import { SECOND } from "../units.ts";

/** A delta travels in an answer to a heartbeat; 64 KB with its envelope. */
const MAX_DELTA_BYTES = 60_000;
/** Versions are made no oftener: partitions ask every ten seconds, and each version costs a pass over what changed. */
const VERSION_EVERY = 2 * SECOND;
/** Versions remembered, a minute's: who has an older one gets the best delta whole. */
const VERSIONS = 32;
/** The memo's key of the best delta; no version is negative. */
const WHOLE = -1;
/** A probability that moved by less is no news. */
const MATERIAL = 0.05;

interface Published {
  readonly next: readonly DeltaSuccessor[];
  /** What knowing this is worth: roughly prefetches used per second. */
  worth: number;
}

/** Versions of the probability map as partitions know it: who knows one version is told what changed since. */
export class MapVersions {
  readonly #published = new Map<string, Published>();
  readonly #pending = new Set<string>();
  /** Per version, the keys that changed with it; the newest last. */
  readonly #log: { readonly version: number; readonly keys: readonly string[] }[] = [];
  readonly #memo = new Map<number, MapDelta>();
  #version = 0;
  #checkedAt = Number.NEGATIVE_INFINITY;

  /** The map's row of `key` as of now. Remembered, and news, only when it differs materially. O(width). */
  put(key: string, next: readonly DeltaSuccessor[], worth: number): void {
    const published = this.#published.get(key);
    if (published !== undefined && !differs(published.next, next)) {
      published.worth = worth;
      return;
    }
    if (published === undefined && next.length === 0) return;
    this.#pending.add(key);
    this.#published.set(key, { next, worth });
  }

  /** The row of `key` as it was put last. */
  get(key: string): readonly DeltaSuccessor[] {
    return this.#published.get(key)?.next ?? [];
  }

  /** Whether a new version may be made. */
  isDue(now: number): boolean {
    return now >= this.#checkedAt + VERSION_EVERY;
  }

  /**
   * What changed since `version`, or the best there is when that is too long ago or too much; null when nothing
   * changed. Memoised by version: a thousand partitions asking cost little more than one.
   */
  since(version: number, now: number): MapDelta | null {
    this.#makeVersion(now);
    if (version === this.#version) return null;
    let delta = this.#memo.get(version);
    if (delta === undefined) {
      delta = this.#delta(version) ?? this.#memo.get(WHOLE) ?? this.#whole();
      this.#memo.set(version, delta);
      if (delta.whole) this.#memo.set(WHOLE, delta);
    }
    return delta;
  }

  #makeVersion(now: number): void {
    if (!this.isDue(now)) return;
    this.#checkedAt = now;
    if (this.#pending.size === 0) return;
    // Versions are times, so that none is given twice even when a restart forgets the last ones.
    this.#version = Math.max(this.#version + 1, Math.floor(now));
    this.#log.push({ version: this.#version, keys: [...this.#pending] });
    if (this.#log.length > VERSIONS) this.#log.shift();
    for (const key of this.#pending) if (this.get(key).length === 0) this.#published.delete(key);
    this.#pending.clear();
    this.#memo.clear();
  }

  #delta(version: number): MapDelta | null {
    const from = this.#log.findIndex((entry) => entry.version === version);
    if (from < 0) return null;
    const keys = new Set(this.#log.slice(from + 1).flatMap((entry) => entry.keys));
    const entries: DeltaEntry[] = [];
    let left = MAX_DELTA_BYTES;
    for (const key of keys) {
      const entry: DeltaEntry = [key, this.get(key)];
      left -= jsonBytesOf(entry);
      if (left < 0) return null;
      entries.push(entry);
    }
    return { version: this.#version, whole: false, entries };
  }

  #whole(): MapDelta {
    const best = [...this.#published].sort(([, a], [, b]) => b.worth - a.worth);
    const entries: DeltaEntry[] = [];
    let left = MAX_DELTA_BYTES;
    for (const [key, { next }] of best) {
      if (next.length === 0) continue;
      const entry: DeltaEntry = [key, next];
      left -= jsonBytesOf(entry);
      if (left < 0) break;
      entries.push(entry);
    }
    return { version: this.#version, whole: true, entries };
  }
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
