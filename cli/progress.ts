import { Presets, SingleBar } from "cli-progress";

/** Shows how far a long run has come. */
export interface Progress {
  start(what: string, total: number): void;
  at(done: number): void;
  stop(): void;
}

const SILENT: Progress = { start: () => undefined, at: () => undefined, stop: () => undefined };

/** A bar on stderr where a person watches it; silence where the output goes to a file or a program. */
export function progress(): Progress {
  if (!process.stderr.isTTY) return SILENT;
  const bar = new SingleBar(
    { format: "{what} {bar} {percentage}%", stream: process.stderr, clearOnComplete: true, hideCursor: true },
    Presets.shades_classic,
  );
  return {
    start: (what, total) => bar.start(total, 0, { what }),
    at: (done) => bar.update(done),
    stop: () => bar.stop(),
  };
}
