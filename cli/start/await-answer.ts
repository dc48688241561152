import { setTimeout } from "node:timers/promises";

/** A runtime that is starting. */
export interface Starting {
  /** Whether its process runs. */
  readonly running: boolean;
  /** When it last told of an error, by `performance.now()`; null when it has not. */
  readonly erredAt: number | null;
}

/** How patient to be, ms. */
export interface Patience {
  /** A first start builds and creates its state: seconds on a laptop, longer on a small busy machine. */
  readonly startMs: number;
  /** A build that fails leaves wrangler waiting for a better one; other errors it prints and comes to answer. */
  readonly afterErrorMs: number;
  readonly pollMs: number;
}

const PATIENCE: Patience = { startMs: 120_000, afterErrorMs: 5_000, pollMs: 200 };

/** Waits until a runtime answers; returns null then, or why there is nothing left to wait for. */
export async function awaitAnswer(
  runtime: Starting,
  answers: () => Promise<boolean>,
  { startMs, afterErrorMs, pollMs }: Patience = PATIENCE,
): Promise<string | null> {
  const began = performance.now();
  while (!(await answers())) {
    const { running, erredAt } = runtime;
    const now = performance.now();
    const fault = !running
      ? "the local runtime ended"
      : erredAt !== null && now - erredAt > afterErrorMs
        ? "the local runtime reported an error"
        : now - began > startMs
          ? `nothing answered within ${startMs / 1_000} seconds`
          : null;
    // Told after the pause, so that the rest of the output has come in.
    await setTimeout(pollMs);
    if (fault !== null) return fault;
  }
  return null;
}
