/** `npm run verify:crash`: kills the runtime at random moments under load, and looks for what is lost or torn. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { progress } from "../cli/progress.ts";
import { messageOf, UserError } from "../cli/user-error.ts";
import { build } from "./crash/build.ts";
import { type Random, randomOf } from "./crash/random.ts";
import { RuntimeProcess } from "./crash/runtime-process.ts";
import { checkCutOffBodies } from "./crash/truncated-uploads.ts";
import { Workload } from "./crash/workload.ts";

/** Most lives are short; one in six outlives the housekeeping (5 s), so that copies and reports are being stored. */
const LONG_EVERY = 6;
const SHORT_MS = 2_500;
/** A life shorter than this has hardly any load in it. */
const MIN_MS = 200;
const LONG_MS = 7_000;
/** Violations shown; more of them say nothing new. */
const SHOWN = 20;

const program = new Command("npm run verify:crash --")
  .description("Kills Foreshard with SIGKILL under mixed load, and checks what is there after each restart.")
  .option("--kills <number>", "how often to kill it", parseCount, 30)
  .option("--seed <number>", "what the load and the moments follow from", parseCount, 1)
  .parse();

const { kills, seed } = program.opts<{ kills: number; seed: number }>();

process.exitCode = await run().catch((error: unknown) => {
  console.error(error instanceof UserError ? error.message : (error as Error).stack);
  return 1;
});

/** Returns the exit code. */
async function run(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "foreshard-crash-"));
  try {
    const options = await build(join(import.meta.dirname, ".."), directory, join(directory, "state"));
    const random = randomOf(seed);
    const load = new Workload(random);
    const started = Date.now();
    const done = await killAgainAndAgain(options, load, random);
    report(load, done, Date.now() - started);
    return load.violations.length > 0 || done < kills ? 1 : 0;
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Returns how many times the runtime was killed; one start more checks what the last kill left. */
async function killAgainAndAgain(options: string, load: Workload, random: Random): Promise<number> {
  const bar = progress();
  bar.start(`killing it ${kills} times (seed ${seed})`, kills);
  try {
    for (let kill = 0; ; kill++) {
      const { life, base } = await RuntimeProcess.start(options);
      try {
        await check(load, base, kill === 0 || kill === kills);
        if (kill === kills) return kill;
        const running = load.run(base);
        await pause(MIN_MS + random.below(kill % LONG_EVERY === LONG_EVERY - 1 ? LONG_MS : SHORT_MS));
        load.stop();
        await life.kill();
        await running;
      } finally {
        await life.kill();
      }
      bar.at(kill + 1);
    }
  } finally {
    bar.stop();
  }
}

async function check(load: Workload, base: string, bodies: boolean): Promise<void> {
  try {
    await load.checkAll(base);
    if (bodies) load.violations.push(...(await checkCutOffBodies(base)));
  } catch (error) {
    load.violations.push(`the check after a restart failed: ${messageOf(error)}`);
  }
}

function report({ counts, violations }: Workload, killed: number, millis: number): void {
  const { writes, strong, deletes, reads, cutOff, refused } = counts;
  console.log(
    [
      `${killed} kills in ${Math.round(millis / 1_000)} s, seed ${seed}.`,
      `Acknowledged: ${writes} bounded and ${strong} strong writes, ${deletes} deletes. Reads checked: ${reads}.`,
      `Cut off by a kill: ${cutOff}. Answered 503: ${refused}.`,
      violations.length === 0
        ? "No violation: every acknowledged write was there, whole; deletes stayed; nothing torn was read."
        : `${violations.length} VIOLATIONS:\n${violations.slice(0, SHOWN).join("\n")}`,
    ].join("\n"),
  );
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}
