/**
 * The value below or at which a share of the values lies (nearest rank); 0 when there are none.
 * @param sorted ascending @param share 0 to 1
 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? 0;
}
