/** What a request came to. */
export type CacheOutcome = "hit" | "prefetchedHit" | "miss" | "error";

/**
 * Reads an outcome off the status and the `Cache-Status` header (RFC 9211): everything that is no hit waited for
 * the storage.
 */
export function classify(status: number, cacheStatus: string | null): CacheOutcome {
  if (status < 200 || status > 299) return "error";
  const parameters = (cacheStatus ?? "").split(";").map((part) => part.trim());
  if (!parameters.includes("hit")) return "miss";
  return parameters.includes("detail=prefetched") ? "prefetchedHit" : "hit";
}
