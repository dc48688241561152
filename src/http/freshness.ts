import { BoundedMap } from "../core/collections/bounded-map.ts";

/** How long a copy may be served without asking the storage. */
export interface Freshness {
  /** False where the shard's own Cache-Control forbids keeping it. */
  readonly storable: boolean;
  /** ms after its validation; Infinity for immutable shards. */
  readonly lifetime: number;
  /** Whether a copy past its lifetime may be served while the storage does not answer. */
  readonly mayServeStale: boolean;
}

/** Directives that forbid a shared cache to serve a stale copy, whatever fails (RFC 9111 §4.2.4). */
const FORBID_STALE = ["no-cache", "no-store", "must-revalidate", "proxy-revalidate", "s-maxage"];

/**
 * A shard's own Cache-Control overrides the configured freshness: `immutable`, `max-age`, `s-maxage` (which goes
 * before `max-age` in shared caches), `no-cache` (always asks) and `no-store` (never kept).
 */
export function freshness(cacheControl: string | undefined, configuredMillis: number): Freshness {
  if (cacheControl === undefined) return { storable: true, lifetime: configuredMillis, mayServeStale: true };
  const { storable, lifetime, mayServeStale } = rulesOf(cacheControl);
  return { storable, lifetime: lifetime ?? configuredMillis, mayServeStale };
}

/** What a Cache-Control says; a lifetime of null where it leaves that to the configuration. */
interface Rules {
  readonly storable: boolean;
  readonly lifetime: number | null;
  readonly mayServeStale: boolean;
}

/** Each hit asks, and shards share a few values: parsing them once is enough. */
const parsed = new BoundedMap<string, Rules>(256);

function rulesOf(cacheControl: string): Rules {
  const known = parsed.get(cacheControl);
  if (known !== undefined) return known;
  const directives = parseDirectives(cacheControl);
  const rules = {
    storable: !directives.has("no-store"),
    lifetime: lifetimeOf(directives),
    mayServeStale: !FORBID_STALE.some((name) => directives.has(name)),
  };
  parsed.set(cacheControl, rules);
  return rules;
}

function lifetimeOf(directives: ReadonlyMap<string, string>): number | null {
  if (directives.has("no-store") || directives.has("no-cache")) return 0;
  if (directives.has("immutable")) return Number.POSITIVE_INFINITY;
  const age = directives.get("s-maxage") ?? directives.get("max-age");
  return age !== undefined && /^\d{1,10}$/.test(age) ? Number(age) * 1_000 : null;
}

/** Directives in lower case with their values, without quotes. */
const parseDirectives = (cacheControl: string): ReadonlyMap<string, string> =>
  new Map(
    cacheControl
      .toLowerCase()
      .split(",")
      .map((directive) => {
        const [name = "", value = ""] = directive.split("=", 2);
        return [name.trim(), value.trim().replaceAll('"', "")];
      }),
  );
