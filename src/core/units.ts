/**
 * Numbers that must not mix. A brand costs nothing at run time; it makes the compiler refuse a duration
 * where a point in time is meant, or a count where bytes are.
 */
declare const unit: unique symbol;

type Branded<Name extends string> = number & { readonly [unit]: Name };

/** A duration in milliseconds. */
export type Millis = Branded<"Millis">;
/** A point in time: milliseconds since 1970-01-01T00:00Z. */
export type EpochMillis = Branded<"EpochMillis">;
/** A size in bytes. */
export type Bytes = Branded<"Bytes">;
/** A probability in [0, 1]. */
export type Probability = Branded<"Probability">;

export const millis = (value: number): Millis => value as Millis;
export const epochMillis = (value: number): EpochMillis => value as EpochMillis;
export const bytes = (value: number): Bytes => value as Bytes;

/** Clamps into [0, 1]; NaN becomes 0, so that a broken estimate never triggers a fetch. */
export const probability = (value: number): Probability =>
  (value > 0 ? Math.min(value, 1) : 0) as Probability;

export const SECOND = millis(1_000);
export const MINUTE = millis(60_000);
export const HOUR = millis(3_600_000);
export const DAY = millis(86_400_000);
export const MIB = bytes(1_048_576);
