/** A bar to be met: what was measured must not be above what is allowed. */
export interface Threshold {
  readonly what: string;
  readonly measured: number;
  readonly allowed: number;
  /** One of many alike, told only when it is missed. */
  readonly perCell?: boolean;
}

/** Whether a bar is missed. A figure that could not be measured meets no bar. */
export const isMissed = ({ measured, allowed }: Threshold): boolean => !(measured <= allowed);

/** A line that says whether a bar is met, and by how much it is missed. */
export const verdict = (bar: Threshold): string => {
  const by = isMissed(bar) ? `MISSED by ${(bar.measured - bar.allowed).toFixed(4)}` : "met";
  return `${bar.what}: ${bar.measured.toFixed(4)}, at most ${bar.allowed}: ${by}`;
};
