import type { ShardStore } from "./shard-store.ts";

/** The store, telling of every read operation before it is made: what the storage bills as reads. */
export function countingReads(store: ShardStore, onRead: () => void): ShardStore {
  return {
    get(id, range) {
      onRead();
      return store.get(id, range);
    },
    getUnless(id, etag) {
      onRead();
      return store.getUnless(id, etag);
    },
    head(id) {
      onRead();
      return store.head(id);
    },
    put: (id, body, options) => store.put(id, body, options),
    delete: (id) => store.delete(id),
    list: (options) => store.list(options),
  };
}
