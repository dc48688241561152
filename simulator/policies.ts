import { type Bytes, bytes } from "../src/core/units.ts";
import type { CachePolicy } from "./cache-policy.ts";
import type { Capacity } from "./capacity.ts";
import { Foreshard } from "./foreshard.ts";
import { Arc } from "./policies/arc.ts";
import { Belady } from "./policies/belady.ts";
import { Lru } from "./policies/lru.ts";
import { S3Fifo } from "./policies/s3fifo.ts";
import { Sieve } from "./policies/sieve.ts";
import { WTinyLfu } from "./policies/wtinylfu.ts";
import { sizeIn } from "./run.ts";
import { PolicyCache, type SimulatedCache } from "./simulated-cache.ts";
import type { Trace } from "./trace.ts";
import { UserError } from "./user-error.ts";

/** What a cache is made for. */
export interface PolicyContext {
  readonly trace: Trace;
  readonly capacity: Capacity;
  /** What a prefetch costs, as a share of what a hit saves. */
  readonly cost: number;
  readonly fillMs: number;
}

type MakeCache = (context: PolicyContext) => SimulatedCache;

const classical =
  (make: (capacity: Bytes, context: PolicyContext) => CachePolicy): MakeCache =>
  (context) =>
    new PolicyCache(make(bytes(context.capacity.size), context));

/** About how many objects of average size the cache holds. */
const residents = ({ trace, capacity }: PolicyContext): number => {
  if (capacity.unit === "objects") return capacity.size;
  let total = 0;
  for (let row = 0; row < trace.length; row++) total += trace.bytes(row);
  return Math.min(trace.objects.length, Math.ceil((capacity.size * trace.length) / Math.max(1, total)));
};

const CACHES: Readonly<Record<string, MakeCache>> = {
  foreshard: ({ capacity, cost }) => new Foreshard("foreshard", bytes(capacity.size), { cost }),
  "foreshard-noprefetch": ({ capacity, cost }) =>
    new Foreshard("foreshard-noprefetch", bytes(capacity.size), { cost, mode: "off" }),
  s3fifo: classical((capacity) => new S3Fifo(capacity)),
  sieve: classical((capacity) => new Sieve(capacity)),
  arc: classical((capacity) => new Arc(capacity)),
  wtinylfu: classical((capacity, context) => new WTinyLfu(capacity, residents(context))),
  lru: classical((capacity) => new Lru(capacity)),
  belady: ({ trace, capacity }) => new Belady(trace, capacity.size, sizeIn(trace, capacity)),
};

/** The policies there are, in the order they are shown. */
export const POLICIES: readonly string[] = Object.keys(CACHES);

/** Throws a UserError that lists the policies there are if one of `names` is none of them. */
export function checkPolicies(names: readonly string[]): void {
  for (const name of names) {
    if (Object.hasOwn(CACHES, name)) continue;
    throw new UserError(`There is no policy "${name}". Choose from ${POLICIES.join(", ")}.`);
  }
}

/** Makes the cache of that name. Throws a UserError for a name there is none of. */
export function makeCache(name: string, context: PolicyContext): SimulatedCache {
  checkPolicies([name]);
  const make = CACHES[name];
  if (make === undefined) throw new Error(`${name} is listed, but cannot be made`);
  return make(context);
}
