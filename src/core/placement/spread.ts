import { hash32 } from "../hash.ts";

/** No slot shall be asked for more than this times what the mean slot is, as far as its shards are known one by one. */
const MAX_LOAD = 1.25;
/** Shards told apart in the topology, which every isolate and partition knows: a few kilobytes. */
const MAX_HOT = 64;

/** By shard, the slots that hold it. */
export type HotShards = Readonly<Record<string, readonly number[]>>;

/** The slots that hold a hot shard; undefined for any other, also where its id is the name of what all objects have. */
export const holdersOf = (hot: HotShards | undefined, shard: string): readonly number[] | undefined =>
  hot !== undefined && Object.hasOwn(hot, shard) ? hot[shard] : undefined;

/**
 * Rendezvous hashing with bounded loads (Mirrokni, Thorup & Zadimoghaddam 2018): a shard goes to the first slot of its own
 * ranking that has room; one that is asked for more than a slot has room for goes to several. Answers only those that are
 * not where rendezvous alone puts them; who was held elsewhere before stays there while there is room.
 * O(shards × slots log slots).
 *
 * @param demand a region's shards with their requests lately, the most wanted first.
 */
export function spreadHot(
  demand: readonly { readonly shard: string; readonly requests: number }[],
  slots: number,
  before: HotShards = {},
): HotShards {
  if (slots < 2) return {};
  const room = (MAX_LOAD * demand.reduce((sum, { requests }) => sum + requests, 0)) / slots;
  const load = new Float64Array(slots);
  const hot: Record<string, readonly number[]> = {};
  let told = 0;
  for (const { shard, requests } of demand) {
    const usual = ranking(shard, slots);
    const order = [...(holdersOf(before, shard) ?? []).filter((slot) => slot < slots), ...usual];
    const chosen =
      told < MAX_HOT ? firstWithRoom([...new Set(order)], requests, load, room) : usual.slice(0, 1);
    for (const slot of chosen) load[slot] = (load[slot] as number) + requests / chosen.length;
    if (chosen.length === 1 && chosen[0] === usual[0]) continue;
    hot[shard] = chosen;
    told++;
  }
  return hot;
}

/** The slots in the order in which a shard prefers them; the first is the one that rendezvous hashing names. */
function ranking(shard: string, slots: number): readonly number[] {
  const scores = Array.from({ length: slots }, (_, slot) => hash32(shard, slot + 1));
  return scores.map((_, slot) => slot).sort((a, b) => (scores[b] as number) - (scores[a] as number));
}

/** The first of `order`, as few as have room for all these requests together; the least loaded where none have. */
function firstWithRoom(order: readonly number[], requests: number, load: Float64Array, room: number) {
  for (let count = Math.max(1, Math.ceil(requests / room)); count <= order.length; count++) {
    const roomy = order.filter((slot) => (load[slot] as number) + requests / count <= room);
    if (roomy.length >= count) return roomy.slice(0, count);
  }
  return [...order].sort((a, b) => (load[a] as number) - (load[b] as number)).slice(0, 1);
}
