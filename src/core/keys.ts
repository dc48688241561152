/**
 * A key is what something can follow: a shard (`s:tiles/5/10/12`) or an event type (`e:login`). The prefix keeps the
 * two apart where they share a table.
 */
export const shardKey = (shard: string): string => `s:${shard}`;
export const typeKey = (type: string): string => `e:${type}`;

/** The shard a key names, or null when it names none. */
export const shardOfKey = (key: string): string | null => (key.startsWith("s:") ? key.slice(2) : null);
/** The event type a key names, or null when it names none. */
export const typeOfKey = (key: string): string | null => (key.startsWith("e:") ? key.slice(2) : null);

/**
 * Longer keys are not learned across partitions (a partition's own predictor still learns them): with tens of
 * thousands of names in the coordinator, ids of the full kilobyte would take its memory.
 */
export const MAX_KEY_LENGTH = 256;
