import { freshness } from "../../src/http/freshness.ts";
import { type History, nameOf, type Read, type State, type Write } from "./history.ts";

/** What reads are held against; ms. */
export interface Bounds {
  readonly freshness: number;
  readonly staleIfError: number;
  /** How long a shard may be taken not to exist without asking. */
  readonly absence: number;
  /** How long after the coordinator logged it a write is seen by all that serve copies, whatever was lost. */
  readonly logged: number;
  /** How far the clocks that date copies may be apart. */
  readonly slack: number;
}

/** The guarantee that was broken. */
type Rule =
  | "torn"
  | "headers"
  | "strong write"
  | "own write"
  | "logged write"
  | "staleness"
  | "no-cache"
  | "from nowhere";

export interface Violation {
  readonly rule: Rule;
  readonly read: Read;
  /** The state that was read; null when the storage never had it. */
  readonly state: State | null;
  /** The write that should have been seen, where it is one. */
  readonly missed: Write | null;
  readonly account: string;
}

/** A write that must be seen by reads that begin from `since` on: the newest of those up to then. */
interface Floor {
  readonly since: number;
  readonly write: Write;
  readonly index: number;
}

/**
 * Holds every read of a history against the guarantees: bytes whole and headers of the version named, no older than a
 * strong write or an own write that was answered before the read began, or a write logged long enough before it, no
 * staler than the bound, and current where that was asked for. A 404 is a read of the absence. O(n log n).
 */
export function check(history: History, bounds: Bounds): readonly Violation[] {
  const writes = history.operations.filter((operation) => operation.kind === "write");
  const acknowledged = writes.filter((write) => write.acknowledged);
  const strong = floors(
    acknowledged.filter(({ coherence }) => coherence === "strong"),
    ({ shard }) => shard,
    ({ to }) => to,
  );
  const own = floors(acknowledged, ownKey, ({ to }) => to);
  const logged = floors(
    writes,
    ({ shard }) => shard,
    ({ change }) =>
      change && (history.logged.get(nameOf(change)) ?? Number.POSITIVE_INFINITY) + bounds.logged,
  );
  return history.operations.flatMap((read) => {
    if (read.kind !== "read" || read.answer.status === "failed") return [];
    const states = history.states.get(read.shard) ?? [];
    const state = stateOf(read, states);
    const found = (rule: Rule, account: string, missed: Write | null = null): Violation[] => [
      { rule, read, state, missed, account },
    ];
    if (state === null) return found("from nowhere", "the storage never had this version, or only later");
    const torn = tornness(read, state);
    if (torn !== null) return found("torn", torn);
    const mixed = mixedHeaders(read, state);
    if (mixed !== null) return found("headers", mixed);
    const end = states[state.index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const late = read.from - end;
    if (read.noCache && late > 0)
      return found("no-cache", `overwritten ${inSeconds(late)} before the read began`);
    const missedStrong = newest(strong.get(read.shard), read.from);
    if (missedStrong !== undefined && missedStrong.index > state.index)
      return found(
        "strong write",
        "a strong write answered before the read began is not seen",
        missedStrong.write,
      );
    const missedOwn = newest(own.get(ownKey(read)), read.from);
    if (missedOwn !== undefined && missedOwn.index > state.index)
      return found("own write", "the reader's own write is not seen", missedOwn.write);
    const missedLogged = newest(logged.get(read.shard), read.from);
    if (missedLogged !== undefined && missedLogged.index > state.index)
      return found("logged write", "a write that was logged long ago is not seen", missedLogged.write);
    const allowed = allowance(read, state, bounds);
    if (late > allowed)
      return found(
        "staleness",
        `overwritten ${inSeconds(late)} before the read began; allowed ${inSeconds(allowed)}`,
      );
    return [];
  });
}

const ownKey = ({ user, shard }: { user: string; shard: string }): string => `${user} ${shard}`;
const inSeconds = (millis: number): string => `${(millis / 1_000).toFixed(3)} s`;

/** The state a read was answered from: by its version, and for an absence the one most in the reader's favour. */
function stateOf({ answer, to }: Read, states: readonly State[]): State | null {
  const isIt = (state: State): boolean =>
    "etag" in answer ? state.version === answer.version && state.etag !== null : state.etag === null;
  return states.findLast((state) => isIt(state) && state.at <= to) ?? null;
}

/** What is wrong with the bytes of an answer, if anything. */
function tornness({ answer }: Read, state: State): string | null {
  if (!("etag" in answer) || answer.content === undefined) return null;
  const { content, part, length } = answer;
  if (content === null) return "the bytes are of no one version";
  if (content !== state.content) return `the bytes are #${content}, the headers those of #${state.content}`;
  const expected = part === undefined ? state.size : Math.min(part.last, state.size - 1) - part.first + 1;
  return length === expected ? null : `${length} bytes instead of ${expected}`;
}

/** What is wrong with the headers of an answer, if anything: all must be of the one version. */
function mixedHeaders({ answer }: Read, { etag, cacheControl = "no-cache", size }: State): string | null {
  if (!("etag" in answer)) return null;
  if (answer.etag !== etag) return `the ETag is ${answer.etag} instead of ${etag}`;
  if (answer.cacheControl !== cacheControl)
    return `the Cache-Control is ${answer.cacheControl} instead of ${cacheControl}`;
  const { part } = answer;
  const range = part && `bytes ${part.first}-${Math.min(part.last, size - 1)}/${size}`;
  return part === undefined || part.contentRange === range ? null : `Content-Range: ${part.contentRange}`;
}

function allowance({ cacheStatus, answer }: Read, state: State, bounds: Bounds): number {
  if (answer.status === 404) return Math.min(bounds.absence, bounds.freshness) + bounds.slack;
  const { lifetime } = freshness(state.cacheControl, bounds.freshness);
  const onError = cacheStatus.includes("stale-if-error") ? bounds.staleIfError : 0;
  return lifetime + onError + bounds.slack;
}

/** For each key its writes by the time from which they must be seen, each with the newest index so far. */
function floors(
  writes: readonly Write[],
  keyOf: (write: Write) => string,
  sinceOf: (write: Write) => number | null,
): ReadonlyMap<string, readonly Floor[]> {
  const all = new Map<string, Floor[]>();
  const dated = writes.flatMap((write) => {
    const since = sinceOf(write);
    return since === null || write.state === null ? [] : [{ since, write, index: write.state.index }];
  });
  for (const floor of dated.sort((a, b) => a.since - b.since)) {
    const key = keyOf(floor.write);
    const floors = all.get(key) ?? [];
    all.set(key, floors);
    const last = floors.at(-1);
    floors.push(last !== undefined && last.index >= floor.index ? { ...last, since: floor.since } : floor);
  }
  return all;
}

/** The last floor in force at `time`. */
function newest(floors: readonly Floor[] | undefined, time: number): Floor | undefined {
  if (floors === undefined) return undefined;
  let [low, high] = [0, floors.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((floors[middle]?.since ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return floors[low - 1];
}
