import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { NoiseFilter } from "./noise-filter.ts";

/** Shutting down takes wrangler about a second; after this it is taken to hang. */
const STOP_TIMEOUT_MS = 8_000;
/** Lines kept to show when the start fails. */
const KEPT_LINES = 200;

/** A local Foreshard: `wrangler dev` and the runtime under it. */
export class Wrangler {
  readonly #child: ChildProcess;
  readonly #output: string[] = [];
  #showing = false;
  #erredAt: number | null = null;

  /** Resolves when the process has ended. */
  readonly ended: Promise<unknown>;

  constructor(directory: string, port: number) {
    const args = [
      join(wranglerDirectory(), "bin/wrangler.js"),
      "dev",
      "--port",
      String(port),
      "--show-interactive-dev-session=false",
    ];
    this.#child = spawn(process.execPath, args, {
      cwd: directory,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: Ctrl-C reaches only us, we stop wrangler in order, and nothing of it is left behind.
      detached: process.platform !== "win32",
    });
    this.#listen(this.#child.stdout, process.stdout);
    this.#listen(this.#child.stderr, process.stderr);
    this.ended = once(this.#child, "close");
    process.once("exit", () => this.#signalGroup("SIGKILL"));
  }

  /** The number of its process; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether the process runs. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** When it last told of an error, by `performance.now()`; null when it has not. */
  get erredAt(): number | null {
    return this.#erredAt;
  }

  /** The last lines, all of them, for a start that failed. */
  get output(): string {
    return this.#output.join("\n");
  }

  /** From now on shows what is worth it. */
  show(): void {
    this.#showing = true;
  }

  /** Ends wrangler and everything under it. */
  async stop(): Promise<void> {
    this.#showing = false;
    if (this.running) {
      this.#child.kill("SIGTERM");
      await Promise.race([this.ended, delay(STOP_TIMEOUT_MS)]);
    }
    this.#signalGroup("SIGKILL");
  }

  #listen(stream: Readable | null, target: NodeJS.WriteStream): void {
    if (stream === null) return;
    const filter = new NoiseFilter();
    createInterface({ input: stream }).on("line", (line) => {
      this.#output.push(line);
      if (this.#output.length > KEPT_LINES) this.#output.shift();
      if (stripVTControlCharacters(line).includes("[ERROR]")) this.#erredAt = performance.now();
      if (filter.shows(line) && this.#showing) target.write(`${line}\n`);
    });
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(process.platform === "win32" ? pid : -pid, signal);
    } catch {
      return; // Nobody is left in the group: as it should be.
    }
  }
}

const wranglerDirectory = (): string =>
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json"));

const delay = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
