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
