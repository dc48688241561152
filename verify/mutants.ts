/** `npm run verify:mutants`: puts faults into the code, one at a time; the tests have to notice. */
import { commandOf, runCommand, wholeNumber } from "../cli/command.ts";
import { CHAIN_MUTANTS } from "./mutants/chain.ts";
import { COORDINATOR_MUTANTS } from "./mutants/coordinator.ts";
import { CORRELATION_MUTANTS } from "./mutants/correlation.ts";
import { EDGE_MUTANTS } from "./mutants/edge.ts";
import { GATE_MUTANTS } from "./mutants/gate.ts";
import { MIND_MUTANTS } from "./mutants/mind.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { PARTITION_MUTANTS } from "./mutants/partition.ts";
import { checkMutant, Workshop } from "./mutants/workshop.ts";

const MUTANTS = [
  ...PARTITION_MUTANTS,
  ...COORDINATOR_MUTANTS,
  ...CORRELATION_MUTANTS,
  ...EDGE_MUTANTS,
  ...GATE_MUTANTS,
  ...MIND_MUTANTS,
  ...CHAIN_MUTANTS,
];
/** The least share that has to be killed. */
const MIN_KILLED = 0.92;

interface Options {
  readonly only?: number;
  readonly jobs: number;
}

interface Numbered {
  readonly number: number;
  readonly mutant: Mutant;
}

/** Tries the mutants and prints a table; returns whether all is well. */
async function verify({ only, jobs }: Options): Promise<boolean> {
  const all = MUTANTS.map((mutant, index): Numbered => ({ number: index + 1, mutant }));
  const chosen = all.filter(({ number }) => only === undefined || number === only);
  if (chosen.length === 0) throw new Error(`there are ${all.length} mutants`);
  for (const { mutant } of all) checkMutant(mutant);
  const begun = performance.now();
  const workshops = Array.from({ length: Math.min(jobs, chosen.length) }, () => new Workshop());
  try {
    const tests = new Set(chosen.flatMap(({ mutant }) => mutant.tests));
    const { passed, output } = (await workshops[0]?.run([...tests])) ?? { passed: false, output: "" };
    if (!passed) throw new Error(`the tests fail without any mutant:\n${output}`);
    const survivors = await tryAll(chosen, workshops);
    return conclude(chosen.length, survivors, (performance.now() - begun) / 1_000);
  } finally {
    for (const workshop of workshops) workshop.close();
  }
}

/** Tries each mutant in whichever workshop is free; returns those that no test noticed. */
async function tryAll(
  mutants: readonly Numbered[],
  workshops: readonly Workshop[],
): Promise<readonly Numbered[]> {
  const waiting = [...mutants];
  const survivors: Numbered[] = [];
  const work = async (workshop: Workshop): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const begun = performance.now();
      const { passed } = await workshop.try(next.mutant);
      if (passed) survivors.push(next);
      console.log(rowOf(next, passed, (performance.now() - begun) / 1_000));
    }
  };
  await Promise.all(workshops.map(work));
  return survivors;
}

function rowOf({ number, mutant }: Numbered, hasSurvived: boolean, seconds: number): string {
  const outcome = hasSurvived ? "SURVIVED" : "killed";
  const place = mutant.file.split("/").at(-1) ?? "";
  return `${String(number).padStart(3)}  ${outcome.padEnd(8)}  ${seconds.toFixed(1).padStart(5)} s  ${place.padEnd(26)}  ${mutant.why}`;
}

function conclude(tried: number, survivors: readonly Numbered[], seconds: number): boolean {
  const killed = tried - survivors.length;
  const share = killed / tried;
  console.log(`\n${killed} of ${tried} killed (${(100 * share).toFixed(1)} %) in ${seconds.toFixed(0)} s`);
  for (const { number, mutant } of survivors)
    console.log(`${number} survived: ${mutant.survives ?? "nobody has said why: add a test, or say it"}`);
  const areExplained = survivors.every(({ mutant }) => mutant.survives !== undefined);
  return share >= MIN_KILLED && areExplained;
}

const options = commandOf(
  "verify:mutants",
  "Puts faults into the code, one at a time, and runs the tests that have to notice.",
)
  .option("--only <number>", "only this one, by its place in the list", wholeNumber(1))
  .option("--jobs <count>", "how many are tried at once", wholeNumber(1), 2)
  .parse()
  .opts<Options>();

await runCommand(() => verify(options));
