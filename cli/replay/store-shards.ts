import type { Progress } from "../progress.ts";
import type { Instance } from "./instance.ts";

/** Writes under way at once: a local instance has one thread to take them. */
const CONCURRENCY = 8;

/** Stores the shards that are not there with their size already; returns how many that were. */
export async function storeShards(
  instance: Instance,
  wanted: ReadonlyMap<string, number>,
  stored: ReadonlyMap<string, number>,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> {
  const missing = [...wanted].filter(([id, size]) => stored.get(id) !== size);
  if (missing.length === 0) return 0;
  const filling = pattern(Math.max(0, ...missing.map(([, size]) => size)));
  const waiting = missing.values();
  let done = 0;
  progress.start("storing shards", missing.length);
  try {
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        for (const [id, size] of waiting) {
          if (signal.aborted) return;
          await instance.store(id, filling.subarray(0, size));
          progress.at(++done);
        }
      }),
    );
  } finally {
    progress.stop();
  }
  return missing.length;
}

/** Bytes that do not compress to nothing, the same in every replay. */
function pattern(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  // A multiplicative congruential step (Park & Miller 1988).
  for (let i = 0, state = 1; i < size; i++) {
    state = (state * 48_271) % 2_147_483_647;
    bytes[i] = state;
  }
  return bytes;
}
