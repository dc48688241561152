/** What SQLite holds. */
export type SqlValue = ArrayBuffer | string | number | null;

/**
 * What nodes use of a Durable Object's storage: its own fits as it is, and simulations bring one on a SQLite of theirs.
 */
export interface NodeStorage {
  readonly sql: {
    exec(query: string, ...bindings: SqlValue[]): { toArray(): Record<string, SqlValue>[] };
  };
  readonly kv: { get(key: string): unknown };
  /** All or nothing: what `work` wrote is undone when it throws. */
  transactionSync<T>(work: () => T): T;
  /** With `allowUnconfirmed` no response waits for it, and a crash may lose it. */
  put(key: string, value: unknown, options: { allowUnconfirmed: boolean }): Promise<void>;
  /** One alarm an object: a later call moves it. */
  setAlarm(time: number, options?: { allowUnconfirmed: boolean }): Promise<void>;
}
