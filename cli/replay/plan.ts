import type { Trace } from "../../simulator/trace.ts";
import { assignIds, headerValue, prefixOf, shardPath } from "./ids.ts";

/** A request as it goes out. */
export interface PlannedRequest {
  readonly path: string;
  readonly user: string;
  readonly event: string;
  /** The region to play, on an instance in development; where the request comes from otherwise. */
  readonly region?: string;
}

/** Everything a replay does, worked out before it touches the instance. */
export interface ReplayPlan {
  /** What all ids of this trace begin with. */
  readonly prefix: string;
  readonly requests: readonly PlannedRequest[];
  /** Id and size of each shard the requests read. */
  readonly shards: ReadonlyMap<string, number>;
  /** Bytes of all of them. */
  readonly bytes: number;
}

/** What an object of unknown size counts: empty shards would make every cache large enough. */
const UNKNOWN_SIZE = 1_024;
/** Limits of the two headers. */
const MAX_USER = 256;
const MAX_EVENT = 64;
/** Rows without a client share this user, whose requests follow one another like a source without clients. */
const COMMON_USER = "replay";
/** Event type of rows without one: what a read has anyway. */
const COMMON_EVENT = "read";

/** Plans the replay of a trace, storing at most `maxBytes` for an object. */
export function planReplay(trace: Trace, maxBytes: number): ReplayPlan {
  const ids = assignIds(trace.name, trace.objects);
  const idOf = (object: string): string => ids.get(object) ?? "";
  const shards = shardSizes(trace, idOf, maxBytes);
  const requests = Array.from({ length: trace.length }, (_, row) => ({
    path: shardPath(idOf(trace.object(row))),
    user: headerValue(trace.client(row), MAX_USER, COMMON_USER),
    event: headerValue(trace.eventType(row), MAX_EVENT, COMMON_EVENT),
  }));
  const bytes = [...shards.values()].reduce((sum, size) => sum + size, 0);
  return { prefix: prefixOf(trace.name), requests, shards, bytes };
}

/** The largest size that a row names for a shard: answers without a body, such as 304, name none. */
function shardSizes(trace: Trace, idOf: (object: string) => string, maxBytes: number) {
  const shards = new Map<string, number>();
  for (let row = 0; row < trace.length; row++) {
    const id = idOf(trace.object(row));
    const size = Math.floor(trace.bytes(row));
    shards.set(id, Math.min(maxBytes, Math.max(size, shards.get(id) ?? 0)));
  }
  for (const [id, size] of shards) if (size === 0) shards.set(id, Math.min(maxBytes, UNKNOWN_SIZE));
  return shards;
}
