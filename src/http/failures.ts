import { ProblemError } from "../contract/problems.ts";
import { StorageThrottledError, StorageUnavailableError } from "../storage/shard-store.ts";

/** What a failed request is answered with; null for what nobody foresaw. */
export function problemOf(error: unknown): ProblemError | null {
  if (error instanceof ProblemError) return error;
  if (error instanceof StorageThrottledError)
    return new ProblemError(
      "rate-limited",
      "This shard is written too often: the storage takes one write a second. Nothing was stored; try again.",
      { "Retry-After": "1" },
    );
  if (error instanceof StorageUnavailableError)
    return new ProblemError("storage-unavailable", "The storage did not answer; try again in a moment.", {
      "Retry-After": "1",
    });
  return null;
}
