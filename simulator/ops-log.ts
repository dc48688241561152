import { closeSync, openSync, writeSync } from "node:fs";
import { UserError } from "./user-error.ts";

/** What can happen to an object. */
export type Operation = "hit" | "miss" | "late" | "prefetch" | "admit" | "evict";

/** Hears of everything that happens, in order. */
export interface OpsLog {
  write(row: number, operation: Operation, object: string): void;
  close(): void;
}

/** Forgets what it hears. */
export const NO_LOG: OpsLog = { write: () => undefined, close: () => undefined };

/** Lines gathered before the file is written to. */
const BATCH = 4096;

/** Writes a JSON object a line: `{"i":row,"op":…,"object":…}`. */
export class OpsFile implements OpsLog {
  readonly #file: number;
  #lines: string[] = [];

  constructor(path: string) {
    this.#file = opened(path);
  }

  write(row: number, operation: Operation, object: string): void {
    this.#lines.push(`{"i":${row},"op":"${operation}","object":${JSON.stringify(object)}}\n`);
    if (this.#lines.length === BATCH) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, this.#lines.join(""));
    this.#lines = [];
  }
}

const opened = (path: string): number => {
  try {
    return openSync(path, "w");
  } catch (cause) {
    throw new UserError(`--ops ${path} cannot be written. Name a file in a folder that exists.`, { cause });
  }
};
