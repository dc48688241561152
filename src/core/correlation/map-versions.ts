import { SECOND } from "../units.ts";

/** `[shard, probability, expected delay in ms]`. */
export type SliceSuccessor = readonly [shard: string, probability: number, delay: number];
/** A key with what follows it, the likeliest first; with nothing, when it is to be forgotten. */
export type SliceEntry = readonly [key: string, next: readonly SliceSuccessor[]];

/** What a partition is told of the probability map. */
export interface MapSlice {
  /** To be named when asking for the next one. */
  readonly version: number;
  /** Whether this replaces what was told before, rather than adding to it. */
  readonly whole: boolean;
  readonly entries: readonly SliceEntry[];
}

/** A slice travels in an answer to a heartbeat; 64 KB with its envelope. */
export const MAX_SLICE_BYTES = 60_000;
/** Versions are made no oftener: partitions ask every ten seconds, and each version costs a pass over what changed. */
const VERSION_EVERY = 2 * SECOND;
/** Versions remembered, a minute's: who has an older one gets the best slice whole. */
const VERSIONS = 32;
/** The memo's key of the best slice; no version is negative. */
const WHOLE = -1;
/** A probability that moved by less is no news. */
const MATERIAL = 0.05;

interface Told {
  readonly next: readonly SliceSuccessor[];
  /** What knowing this is worth: roughly prefetches used per second. */
  worth: number;
}

/** Versions of the probability map as partitions know it: who knows one version is told what changed since. */
export class MapVersions {
  readonly #told = new Map<string, Told>();
  readonly #pending = new Set<string>();
  /** Per version, the keys that changed with it; the newest last. */
  readonly #log: { readonly version: number; readonly keys: readonly string[] }[] = [];
  readonly #memo = new Map<number, MapSlice>();
  #version = 0;
  #checkedAt = Number.NEGATIVE_INFINITY;

  /** The map's row of `key` as of now. Remembered, and news, only when it differs materially. O(width). */
  put(key: string, next: readonly SliceSuccessor[], worth: number): void {
    const told = this.#told.get(key);
    if (told !== undefined && !differs(told.next, next)) {
      told.worth = worth;
      return;
    }
    if (told === undefined && next.length === 0) return;
    this.#pending.add(key);
    this.#told.set(key, { next, worth });
  }

  /** The row of `key` as it was put last. */
  get(key: string): readonly SliceSuccessor[] {
    return this.#told.get(key)?.next ?? [];
  }

  /** Whether a new version may be made. */
  isDue(now: number): boolean {
    return now >= this.#checkedAt + VERSION_EVERY;
  }

  /**
   * What changed since `version`, or the best there is when that is too long ago or too much; null when nothing
   * changed. Memoised by version: a thousand partitions asking cost little more than one.
   */
  since(version: number, now: number): MapSlice | null {
    this.#makeVersion(now);
    if (version === this.#version) return null;
    let slice = this.#memo.get(version);
    if (slice === undefined) {
      slice = this.#delta(version) ?? this.#memo.get(WHOLE) ?? this.#whole();
      this.#memo.set(version, slice);
      if (slice.whole) this.#memo.set(WHOLE, slice);
    }
    return slice;
  }

  #makeVersion(now: number): void {
    if (!this.isDue(now)) return;
    this.#checkedAt = now;
    if (this.#pending.size === 0) return;
    // Versions are times, so that none is given twice even when a restart forgets the last ones.
    this.#version = Math.max(this.#version + 1, Math.floor(now));
    this.#log.push({ version: this.#version, keys: [...this.#pending] });
    if (this.#log.length > VERSIONS) this.#log.shift();
    for (const key of this.#pending) if (this.get(key).length === 0) this.#told.delete(key);
    this.#pending.clear();
    this.#memo.clear();
  }

  #delta(version: number): MapSlice | null {
    const from = this.#log.findIndex((entry) => entry.version === version);
    if (from < 0) return null;
    const keys = new Set(this.#log.slice(from + 1).flatMap((entry) => entry.keys));
    const entries: SliceEntry[] = [];
    let left = MAX_SLICE_BYTES;
    for (const key of keys) {
      const entry: SliceEntry = [key, this.get(key)];
      left -= jsonBytesOf(entry);
      if (left < 0) return null;
      entries.push(entry);
    }
    return { version: this.#version, whole: false, entries };
  }

  #whole(): MapSlice {
    const best = [...this.#told].sort(([, a], [, b]) => b.worth - a.worth);
    const entries: SliceEntry[] = [];
    let left = MAX_SLICE_BYTES;
    for (const [key, { next }] of best) {
      if (next.length === 0) continue;
      const entry: SliceEntry = [key, next];
      left -= jsonBytesOf(entry);
      if (left < 0) break;
      entries.push(entry);
    }
    return { version: this.#version, whole: true, entries };
  }
}

function differs(told: readonly SliceSuccessor[], next: readonly SliceSuccessor[]): boolean {
  if (told.length !== next.length || told[0]?.[0] !== next[0]?.[0]) return true;
  return next.some(([shard, probability]) => {
    const before = told.find(([known]) => known === shard);
    return before === undefined || Math.abs(before[1] - probability) > MATERIAL;
  });
}

/** Bytes of a text in JSON as UTF-8, quotes and a comma included; never too few. O(length). */
export function jsonBytes(text: string): number {
  let bytes = 3;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0xd800 && code <= 0xdfff)) bytes += 6;
    else if (code >= 0x80) bytes += code < 0x800 ? 2 : 3;
    else bytes += code === 0x22 || code === 0x5c ? 2 : 1;
  }
  return bytes;
}

/** Bytes of the numbers of one successor: `[…,0.123,12345],`. */
const SUCCESSOR_NUMBERS = 24;

const jsonBytesOf = ([key, next]: SliceEntry): number =>
  next.reduce((sum, [shard]) => sum + jsonBytes(shard) + SUCCESSOR_NUMBERS, jsonBytes(key) + 6);
