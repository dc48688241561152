/**
 * A 32-bit hash of a string: FNV-1a over UTF-16 units, then Murmur3's finaliser, since FNV alone leaves its high
 * bits poor for the short, similar strings that ids and users are. Not for secrets.
 */
export function hash32(text: string, seed = 0): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Mixes two 32-bit numbers into one (the finaliser of MurmurHash3). Never 0, which marks an empty table entry. O(1). */
export function hashPair(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 13;
  return h | 0 || 1;
}

/** FNV-1a over the UTF-16 units from `start`, finished like {@link hashPair}. Never 0. O(length). */
export function hashText(text: string, start = 0): number {
  let h = 0x811c9dc5;
  for (let i = start; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return hashPair(h, text.length - start);
}

/** Half-octave logarithm of a non-negative integer: 0→0, 1→1, 2→2, 3→3, 4→4, 6→5, 8→6 … 2³⁰→60. O(1). */
export function halfLog2(value: number): number {
  if (value < 2) return value < 1 ? 0 : 1;
  const top = 31 - Math.clz32(value);
  return (top << 1) | ((value >>> (top - 1)) & 1);
}

const USER_SEED = 0x75736572;

/**
 * 53 bits that stand for a user, so that their id need not be kept: two of a million users share them with a chance of
 * 1 in 18,000. Never 0. O(length).
 */
export const hashUser = (user: string): number =>
  hash32(user) * 2 ** 21 + (hash32(user, USER_SEED) >>> 11) || 1;
