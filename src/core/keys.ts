/**
 * A key is what something can follow: a shard (`s:tiles/5/10/12`), an event type (`e:login`), or a pattern of two event
 * types in a row (`p:login\u0001open`). The prefix keeps them apart where they share a table.
 */
export const shardKey = (shard: string): string => `s:${shard}`;
export const typeKey = (type: string): string => `e:${type}`;
export const patternKey = (previous: string, type: string): string => `p:${previous}${PARTED}${type}`;

/** Between the types of a pattern: a control character, which an event type has not. */
const PARTED = "\u0001";

/** The shard a key names, or null when it names none. */
export const shardOfKey = (key: string): string | null => (key.startsWith("s:") ? key.slice(2) : null);
/** The event type a key names, or null when it names none. */
export const typeOfKey = (key: string): string | null => (key.startsWith("e:") ? key.slice(2) : null);
/** The two event types of a pattern, or null when the key names none. */
export function patternOfKey(key: string): readonly [previous: string, type: string] | null {
  const [previous, type, more] = key.startsWith("p:") ? key.slice(2).split(PARTED) : [];
  return previous && type && more === undefined ? [previous, type] : null;
}

/**
 * Longer keys are not learned across partitions (a partition's own predictor still learns them): with tens of
 * thousands of names in the coordinator, ids of the full kilobyte would take its memory.
 */
export const MAX_KEY_LENGTH = 256;
