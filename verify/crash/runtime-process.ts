import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { UserError } from "../../simulator/user-error.ts";

/** A start takes a second or two; a small busy machine may take longer. */
const START_TIMEOUT_MS = 60_000;
/** Lines of output kept to show when a start fails. */
const KEPT_LINES = 30;

/** A process of the local runtime, from its start to its violent end. */
export class RuntimeProcess {
  readonly #child: ChildProcess;
  readonly #output: string[] = [];
  readonly #ended: Promise<unknown>;

  private constructor(optionsFile: string) {
    this.#child = spawn(process.execPath, [join(import.meta.dirname, "server.ts"), optionsFile], {
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that the runtime under it dies in the same moment.
      detached: true,
    });
    this.#ended = once(this.#child, "close");
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null)
        createInterface({ input: stream }).on("line", (line) => {
          this.#output.push(line);
          if (this.#output.length > KEPT_LINES) this.#output.shift();
        });
  }

  /** Starts the runtime; @throws UserError with its last words when it does not come up. */
  static async start(optionsFile: string): Promise<{ runtime: RuntimeProcess; base: string }> {
    const runtime = new RuntimeProcess(optionsFile);
    const stopAtExit = (): void => runtime.#signalGroup();
    process.once("exit", stopAtExit);
    void runtime.#ended.then(() => process.off("exit", stopAtExit));
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const port = runtime.#output.find((line) => /^\d+$/.test(line));
      if (port !== undefined) return { runtime, base: `http://127.0.0.1:${port}` };
      if (runtime.#child.exitCode !== null || Date.now() > deadline) {
        runtime.#signalGroup();
        throw new UserError(`the local runtime did not start:\n${runtime.#output.join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** What the runtime said last. */
  get output(): string {
    return this.#output.join("\n");
  }

  /** SIGKILL to the whole group: no handler runs, no buffer is written. Resolves when nothing of it is left. */
  async kill(): Promise<void> {
    this.#signalGroup();
    await this.#ended;
  }

  #signalGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      return; // Nobody is left in the group: as it should be.
    }
  }
}
