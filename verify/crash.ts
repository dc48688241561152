/** `npm run verify:crash`: kills the runtime at random moments under load, and looks for what is lost or torn. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { commandOf, interruption, runCommand, wholeNumber } from "../cli/command.ts";
import { progress } from "../cli/progress.ts";
import { messageOf, UserError } from "../simulator/user-error.ts";
import { ADMIN_TOKEN, build } from "./crash/build.ts";
import { type Random, randomOf } from "./crash/random.ts";
import { RuntimeProcess } from "./crash/runtime-process.ts";
import { checkTruncatedUploads } from "./crash/truncated-uploads.ts";
import { Workload } from "./crash/workload.ts";
import { FRESHNESS_SECONDS } from "./crash/write-history.ts";

/** Most runs are short; one in six outlives the housekeeping (5 s), so that copies and reports are being stored. */
const LONG_EVERY = 6;
const SHORT_MS = 2_500;
/** A run shorter than this has hardly any requests in it. */
const MIN_MS = 200;
const LONG_MS = 7_000;
/** Violations shown; more of them say nothing new. */
const SHOWN = 20;

const command = commandOf(
  "verify:crash",
  "Kills Foreshard with SIGKILL under mixed load, and checks what is there after each restart.",
)
  .option("--kills <number>", "how often to kill it", wholeNumber(0), 30)
  .option("--seed <number>", "what the workload and the moments follow from", wholeNumber(0), 1);

await runCommand(() => run(command.parse().opts<Options>(), interruption()));

interface Options {
  readonly kills: number;
  readonly seed: number;
}

/** Returns whether nothing was lost or torn. */
async function run({ kills, seed }: Options, signal: AbortSignal): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), "foreshard-crash-"));
  try {
    const options = await build(join(import.meta.dirname, ".."), directory, join(directory, "state"), signal);
    const random = randomOf(seed);
    const workload = new Workload(random);
    const started = Date.now();
    const bar = progress();
    bar.start(`killing it ${kills} times (seed ${seed})`, kills);
    try {
      await killAgainAndAgain({ options, kills, workload, random, signal, onKill: (done) => bar.at(done) });
    } finally {
      bar.stop();
    }
    report(workload, kills, seed, Date.now() - started);
    return workload.violations.length === 0;
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Kills {
  /** File with the options of the runtime. */
  readonly options: string;
  readonly kills: number;
  readonly workload: Workload;
  readonly random: Random;
  readonly signal: AbortSignal;
  onKill(done: number): void;
}

/** Starts and kills the runtime so many times; one start more checks what the last kill left. */
async function killAgainAndAgain({ options, kills, workload, random, signal, onKill }: Kills): Promise<void> {
  for (let kill = 0; ; kill++) {
    signal.throwIfAborted();
    const { runtime, base } = await RuntimeProcess.start(options);
    try {
      if (kill === 0) await shortenFreshness(base);
      await check(workload, base, kill === 0 || kill === kills);
      if (kill === kills) return;
      const running = workload.run(base);
      const millis = MIN_MS + random.below(kill % LONG_EVERY === LONG_EVERY - 1 ? LONG_MS : SHORT_MS);
      // An interruption ends it early, like a kill; what it cut off is not looked at any more.
      await setTimeout(millis, undefined, { signal }).finally(() => workload.stop());
      await runtime.kill();
      await running;
    } finally {
      await runtime.kill();
    }
    onKill(kill + 1);
  }
}

async function shortenFreshness(base: string): Promise<void> {
  const { status } = await fetch(`${base}/admin/api/settings`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
    body: JSON.stringify({ freshnessSeconds: FRESHNESS_SECONDS }),
  });
  if (status !== 200) throw new UserError(`the settings could not be changed: ${status}`);
}

async function check(workload: Workload, base: string, bodies: boolean): Promise<void> {
  try {
    await workload.checkAll(base);
    if (bodies) workload.violations.push(...(await checkTruncatedUploads(base)));
  } catch (error) {
    workload.violations.push(`the check after a restart failed: ${messageOf(error)}`);
  }
}

function report({ counts, violations }: Workload, killed: number, seed: number, millis: number): void {
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
