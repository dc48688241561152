/** A key of the successor table is a shard or an event type; a prefix keeps the two apart. */
export const shardKey = (shard: string): string => `s:${shard}`;
export const typeKey = (type: string): string => `e:${type}`;
export const typeOfKey = (key: string): string | null => (key.startsWith("e:") ? key.slice(2) : null);
