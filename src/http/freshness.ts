/** How long a copy may be served without asking the storage. */
export interface Freshness {
  /** False where the shard's own Cache-Control forbids keeping it. */
  readonly storable: boolean;
  /** ms after its validation; Infinity for immutable shards. */
  readonly lifetime: number;
}

/**
 * A shard's own Cache-Control overrides the configured freshness: `immutable`, `max-age`, `s-maxage` (which goes
 * before `max-age` in shared caches), `no-cache` (always asks) and `no-store` (never kept).
 */
export function freshness(cacheControl: string | undefined, configuredMillis: number): Freshness {
  if (cacheControl === undefined) return { storable: true, lifetime: configuredMillis };
  const directives = new Map(
    cacheControl
      .toLowerCase()
      .split(",")
      .map((directive) => {
        const [name = "", value = ""] = directive.split("=", 2);
        return [name.trim(), value.trim().replaceAll('"', "")];
      }),
  );
  if (directives.has("no-store")) return { storable: false, lifetime: 0 };
  if (directives.has("no-cache")) return { storable: true, lifetime: 0 };
  if (directives.has("immutable")) return { storable: true, lifetime: Number.POSITIVE_INFINITY };
  const age = directives.get("s-maxage") ?? directives.get("max-age");
  return age !== undefined && /^\d{1,10}$/.test(age)
    ? { storable: true, lifetime: Number(age) * 1_000 }
    : { storable: true, lifetime: configuredMillis };
}
