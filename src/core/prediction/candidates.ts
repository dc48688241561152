import type { ShardTable } from "../learning/shard-table.ts";

/** Candidates considered per event: more than the experts' strong rows name together. */
export const MAX_CANDIDATES = 64;

/**
 * The shards the experts name after one event, each with one bin per expert: what that expert says of it. One instance
 * is used again for every event. Adding is O(experts), by a mark in the shard table.
 */
export class Candidates {
  count = 0;
  readonly handles = new Int32Array(MAX_CANDIDATES);
  /** Bin of expert e on candidate i, at `i × experts + e`. */
  readonly bins: Int16Array;
  /** Of candidate i: what the relation by which it follows directly tells of its delay, and of its probability. */
  readonly delayStep = new Uint8Array(MAX_CANDIDATES);
  readonly direct = new Float32Array(MAX_CANDIDATES);
  readonly experts: number;
  readonly #shards: ShardTable;
  readonly #absent: Int16Array;
  #stamp = 0;

  constructor(shards: ShardTable, experts: number) {
    this.#shards = shards;
    this.experts = experts;
    this.bins = new Int16Array(MAX_CANDIDATES * experts);
    this.#absent = new Int16Array(experts);
  }

  /** Starts anew. */
  clear(): void {
    this.count = 0;
    this.#stamp = (this.#stamp + 1) | 0;
    this.#absent.fill(0);
  }

  /** What `expert` says of candidates it does not name; to be set before the first is added. */
  setAbsent(expert: number, bin: number): void {
    this.#absent[expert] = bin;
  }

  /** `expert` names `handle` and says `bin` of it. Ignored when the list is full. */
  say(handle: number, expert: number, bin: number): void {
    const index = this.indexOf(handle);
    if (index >= 0) this.bins[index * this.experts + expert] = bin;
  }

  /** It follows directly in this share of the cases, after a delay of `delayStep`. What was told first counts. */
  follows(handle: number, share: number, delayStep: number): void {
    const index = this.indexOf(handle);
    if (index < 0 || (this.delayStep[index] as number) > 0) return;
    this.direct[index] = share;
    this.delayStep[index] = delayStep;
  }

  /** Index of `handle`, which is added if need be; -1 when the list is full. */
  indexOf(handle: number): number {
    const shards = this.#shards;
    if (shards.mark[handle] === this.#stamp) return shards.markIndex[handle] as number;
    const index = this.count;
    if (index === MAX_CANDIDATES) return -1;
    this.count = index + 1;
    shards.mark[handle] = this.#stamp;
    shards.markIndex[handle] = index;
    this.handles[index] = handle;
    this.direct[index] = this.delayStep[index] = 0;
    const from = index * this.experts;
    for (let e = 0; e < this.experts; e++) this.bins[from + e] = this.#absent[e] as number;
    return index;
  }
}
