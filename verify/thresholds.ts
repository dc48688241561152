/** A threshold to be met: what was measured must not be above what is allowed. */
export interface Threshold {
  readonly what: string;
  readonly measured: number;
  readonly allowed: number;
  /** One of many alike, told only when it is missed. */
  readonly perCell?: boolean;
}

/** Whether a threshold is missed. A figure that could not be measured meets none. */
export const isMissed = ({ measured, allowed }: Threshold): boolean => !(measured <= allowed);

/** A line that says whether a threshold is met, and by how much it is missed. */
export const verdict = (threshold: Threshold): string => {
  const by = isMissed(threshold) ? `MISSED by ${(threshold.measured - threshold.allowed).toFixed(4)}` : "met";
  return `${threshold.what}: ${threshold.measured.toFixed(4)}, at most ${threshold.allowed}: ${by}`;
};
