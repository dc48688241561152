/** A stream of pseudo-random numbers that one seed gives again: mulberry32. */
export interface Random {
  /** A whole number of 32 bits. */
  next(): number;
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
}

/** @param seed any whole number. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return { next, below: (limit) => Math.floor((next() / 4_294_967_296) * limit) };
}
