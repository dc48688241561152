import { execFileSync, spawn } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { COHERENCE, type Mutant } from "./mutant.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Tests that have not ended by then hang, which is noticed too, ms. */
const TIMEOUT = 240_000;
/** The simulation as mutants are tried by it: enough for each that names it. */
const SIMULATION = ["verify/coherence.ts", "--seeds", "12", "--operations", "4000", "--bail"];

/** What tests said: how they ended, and the last of what they printed. */
export interface TestRun {
  readonly passed: boolean;
  readonly output: string;
}

/** The list and the code do not fit together: a mutant that changes nothing would count as one that survived. */
class MutantError extends Error {
  override readonly name = "MutantError";
}

/** @throws MutantError unless the mutant's text occurs exactly once, and what comes of it is still TypeScript. */
function mutated({ file, find, replace }: Mutant, source: string): string {
  const times = source.split(find).length - 1;
  if (times !== 1) throw new MutantError(`${file} has this ${times} times instead of once:\n${find}`);
  const result = source.replace(find, () => replace);
  try {
    stripTypeScriptTypes(result);
  } catch (cause) {
    throw new MutantError(`${file} would not be TypeScript any more with:\n${replace}`, { cause });
  }
  return result;
}

/** @throws MutantError as {@link mutated}, for the file as it is. */
export const checkMutant = (mutant: Mutant): string =>
  mutated(mutant, readFileSync(join(ROOT, mutant.file), "utf8"));

/** A copy of the tree, in which one mutant at a time is put in and tested. */
export class Workshop {
  readonly #folder = mkdtempSync(join(tmpdir(), "foreshard-mutants-"));

  constructor() {
    const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: ROOT });
    for (const file of files.toString().split("\0")) {
      if (file === "") continue;
      mkdirSync(dirname(join(this.#folder, file)), { recursive: true });
      copyFileSync(join(ROOT, file), join(this.#folder, file));
    }
    symlinkSync(join(ROOT, "node_modules"), join(this.#folder, "node_modules"));
  }

  /** Runs a mutant's tests with it put in: killed when one fails. */
  async try(mutant: Mutant): Promise<TestRun> {
    const path = join(this.#folder, mutant.file);
    const source = readFileSync(path, "utf8");
    writeFileSync(path, mutated(mutant, source));
    try {
      for (const test of mutant.tests) {
        const run = await this.run([test]);
        if (!run.passed) return run;
      }
      return { passed: true, output: "" };
    } finally {
      writeFileSync(path, source);
    }
  }

  /** Runs tests on the code as it stands. */
  async run(tests: readonly string[]): Promise<TestRun> {
    const groups = [
      tests.includes(COHERENCE) ? SIMULATION : [],
      vitest(
        "node",
        tests.filter((test) => test !== COHERENCE && !isWorker(test)),
      ),
      vitest("workerd", tests.filter(isWorker)),
    ];
    for (const command of groups) {
      const run = command.length === 0 ? { passed: true, output: "" } : await this.#node(command);
      if (!run.passed) return run;
    }
    return { passed: true, output: "" };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #node(command: readonly string[]): Promise<TestRun> {
    return new Promise((resolve, reject) => {
      // A group of its own, so that what it starts ends with it.
      const child = spawn(process.execPath, command, { cwd: this.#folder, detached: true });
      let output = "";
      const hear = (data: Buffer): void => {
        output = (output + data.toString()).slice(-4_000);
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      const timer = setTimeout(() => {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      }, TIMEOUT);
      child.on("error", reject);
      child.on("close", (code) => {
        clearTimeout(timer);
        resolve({ passed: code === 0, output });
      });
    });
  }
}

const isWorker = (test: string): boolean => test.startsWith("test/worker/");

const vitest = (project: string, files: readonly string[]): readonly string[] =>
  files.length === 0
    ? []
    : ["node_modules/vitest/vitest.mjs", "run", "--project", project, "--bail", "1", ...files];
