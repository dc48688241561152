import type { Change } from "../../src/core/coherence/change.ts";

/** What happened to a shard in the storage, at one moment. The first state of each shard is its absence. */
export interface State {
  readonly shard: string;
  /** Place in the shard's own order, from 0. */
  readonly index: number;
  /** A function of the bytes. Null: the shard does not exist. */
  readonly etag: string | null;
  /** Names the write; 0 for an absence. */
  readonly version: number;
  /** Names the bytes, which several writes may share; 0 for an absence. */
  readonly content: number;
  readonly size: number;
  readonly cacheControl: string | undefined;
  /** When it became the truth. */
  readonly at: number;
}

interface Operation {
  readonly user: string;
  readonly region: string;
  readonly shard: string;
  /** When it was asked for and when it was answered. */
  readonly from: number;
  readonly to: number;
}

/** An answer that shows a version of a shard. */
export interface Shown {
  readonly status: 200 | 206;
  readonly etag: string;
  /** The write whose headers came: its Content-Type names it. */
  readonly version: number;
  /** The content all the bytes are of; null when they are torn, undefined when none were asked for. */
  readonly content: number | null | undefined;
  readonly cacheControl: string;
  readonly length: number;
  /** The bytes asked for, when a part was: from 0, the last included. */
  readonly part?: { readonly first: number; readonly last: number; readonly contentRange: string };
}

/** A read and what it was answered with. */
export interface Read extends Operation {
  readonly kind: "read";
  /** The reader asked for a strongly consistent answer. */
  readonly noCache: boolean;
  readonly cacheStatus: string;
  readonly answer: Shown | { readonly status: 404 } | { readonly status: "failed"; readonly why: string };
}

/** A write or a delete. */
export interface Write extends Operation {
  readonly kind: "write";
  readonly coherence: "strong" | "bounded" | "elsewhere";
  /** What it made of the shard; null when it is not known to have done anything. */
  readonly state: State | null;
  /** Whether it was answered with success. What was not may be seen or not. */
  readonly acknowledged: boolean;
  /** What is announced of it; null when it is not known to have done anything. */
  readonly change: Change | null;
}

/** Something that went wrong on purpose. */
export interface Fault {
  readonly at: number;
  readonly kind: string;
  /** The region it happened in, or "everywhere". */
  readonly where: string;
  readonly detail: string;
}

/** A run, as the checker sees it. Times in ms since the epoch. */
export interface History {
  /** For each shard its states in order. */
  readonly states: ReadonlyMap<string, readonly State[]>;
  readonly operations: readonly (Read | Write)[];
  readonly faults: readonly Fault[];
  /** When the coordinator first logged a change, by {@link nameOf}. */
  readonly logged: ReadonlyMap<string, number>;
}

/** Names a change, however it was announced: by its writer, or by the storage, which does not tell the version. */
export const nameOf = ({ shard, etag = "", uploaded }: Change): string => `${shard} ${etag} ${uploaded}`;
