/** What a partition says in `Cache-Status` (RFC 9211). */
export const STATUS = {
  hit: "Foreshard; hit",
  prefetched: "Foreshard; hit; detail=prefetched",
  disk: "Foreshard; hit; detail=disk",
  staleIfError: "Foreshard; hit; detail=stale-if-error",
  stored: "Foreshard; fwd=uri-miss; stored",
  miss: "Foreshard; fwd=uri-miss",
  collapsed: "Foreshard; fwd=uri-miss; collapsed",
  stale: "Foreshard; fwd=stale",
  tooLarge: "Foreshard; fwd=bypass; detail=too-large",
  noCache: "Foreshard; fwd=bypass; detail=no-cache",
} as const;
