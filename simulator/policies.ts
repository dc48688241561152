import { Arc } from "../src/core/cache/arc.ts";
import { Lru } from "../src/core/cache/lru.ts";
import type { CachePolicy } from "../src/core/cache/policy.ts";
import { S3Fifo } from "../src/core/cache/s3fifo.ts";
import { Sieve } from "../src/core/cache/sieve.ts";
import { WTinyLfu } from "../src/core/cache/wtinylfu.ts";
import { type Bytes, bytes } from "../src/core/units.ts";
import { Belady } from "./belady.ts";
import type { Capacity } from "./capacity.ts";
import { type Contender, PolicyContender } from "./contender.ts";
import { Foreshard } from "./foreshard.ts";
import { sizeIn } from "./run.ts";
import type { Trace } from "./trace.ts";
import { UserError } from "./user-error.ts";

/** What a contender is made for. */
export interface Arena {
  readonly trace: Trace;
  readonly capacity: Capacity;
  /** What a prefetch costs, as a share of what a hit saves. */
  readonly cost: number;
  readonly fillMs: number;
}

type MakeContender = (arena: Arena) => Contender;

const classical =
  (make: (capacity: Bytes, arena: Arena) => CachePolicy): MakeContender =>
  (arena) =>
    new PolicyContender(make(bytes(arena.capacity.size), arena));

/** About how many objects of average size the cache holds. */
const residents = ({ trace, capacity }: Arena): number => {
  if (capacity.unit === "objects") return capacity.size;
  let total = 0;
  for (let row = 0; row < trace.length; row++) total += trace.bytes(row);
  return Math.min(trace.objects.length, Math.ceil((capacity.size * trace.length) / Math.max(1, total)));
};

const CONTENDERS: Readonly<Record<string, MakeContender>> = {
  foreshard: ({ capacity, cost }) => new Foreshard("foreshard", bytes(capacity.size), { cost }),
  "foreshard-noprefetch": ({ capacity, cost }) =>
    new Foreshard("foreshard-noprefetch", bytes(capacity.size), { cost, mode: "off" }),
  s3fifo: classical((capacity) => new S3Fifo(capacity)),
  sieve: classical((capacity) => new Sieve(capacity)),
  arc: classical((capacity) => new Arc(capacity)),
  wtinylfu: classical((capacity, arena) => new WTinyLfu(capacity, residents(arena))),
  lru: classical((capacity) => new Lru(capacity)),
  belady: ({ trace, capacity }) => new Belady(trace, capacity.size, sizeIn(trace, capacity)),
};

/** The policies there are, in the order they are shown. */
export const POLICIES: readonly string[] = Object.keys(CONTENDERS);

/** Throws a UserError that lists the policies there are if one of `names` is none of them. */
export function checkPolicies(names: readonly string[]): void {
  for (const name of names) {
    if (Object.hasOwn(CONTENDERS, name)) continue;
    throw new UserError(`There is no policy "${name}". Choose from ${POLICIES.join(", ")}.`);
  }
}

/** Makes the contender of that name. Throws a UserError for a name there is none of. */
export function makeContender(name: string, arena: Arena): Contender {
  checkPolicies([name]);
  const make = CONTENDERS[name];
  if (make === undefined) throw new Error(`${name} is listed, but cannot be made`);
  return make(arena);
}
