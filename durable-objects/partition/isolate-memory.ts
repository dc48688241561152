/**
 * Bytes of shards held by all partitions of this isolate. An isolate has 128 MB for everything, and objects of one
 * class may share it; half is left to streams, models and the runtime.
 */
const ISOLATE_BYTES = 64 * 1_048_576;

/** Something that holds bytes, told apart from others by identity. */
export interface MemoryConsumer {
  readonly used: number;
}

/** Weak, because an evicted object is dropped without a word: its bytes stop counting when it is collected. */
const holders = new Set<WeakRef<MemoryConsumer>>();

export function register(holder: MemoryConsumer): void {
  holders.add(new WeakRef(holder));
}

/** How many bytes `holder` may hold so that the isolate stays within its bound. O(partitions in the isolate). */
export function remainingBudget(holder: MemoryConsumer, limit: number = ISOLATE_BYTES): number {
  let others = 0;
  for (const reference of holders) {
    const other = reference.deref();
    if (other === undefined) holders.delete(reference);
    else if (other !== holder) others += other.used;
  }
  return Math.max(0, limit - others);
}
