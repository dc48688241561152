/** Directives that would let a shared cache keep, and hand to anybody, what only token holders may read. */
const FOR_SHARED_CACHES = /^(?:public|private|s-maxage)(?:\s*=|$)/i;

/**
 * A shard's Cache-Control where reads need a token: kept by the reader's own cache at most. Commas within quotes are
 * no separators.
 */
export function privateCacheControl(cacheControl: string | null): string {
  const directives = (cacheControl?.match(/(?:"[^"]*"|[^,"])+/g) ?? [])
    .map((directive) => directive.trim())
    .filter((directive) => directive !== "" && !FOR_SHARED_CACHES.test(directive));
  return ["private", ...directives].join(", ");
}
