/** `npm run verify:coherence`: many readers and writers in several regions, with faults; every read is checked. */
import { Option } from "commander";
import { commandOf, runCommand, wholeNumber } from "../cli/command.ts";
import { explainViolation } from "./coherence/explain-violation.ts";
import { MUTATIONS, type Mutation } from "./coherence/mutation.ts";
import { run } from "./coherence/run.ts";
import { Summary, summaryOf } from "./coherence/summary.ts";

/** With {@link OPERATIONS} a quarter of a million operations. */
const SEEDS = 25;
const OPERATIONS = 10_000;
/** More accounts of the same kind tell nothing new. */
const MAX_ACCOUNTS = 3;

interface Options {
  readonly seeds: number;
  readonly operations: number;
  readonly seed?: number;
  readonly bail?: boolean;
  readonly break?: Mutation;
}

/** Runs each seed and prints what came of it; returns whether all is well. */
async function verify({ seeds, operations, seed, bail = false, break: mutation }: Options): Promise<boolean> {
  const summary = new Summary();
  const numbers = seed === undefined ? Array.from({ length: seeds }, (_, i) => i + 1) : [seed];
  let accounts = 0;
  const begun = performance.now();
  for (const number of numbers) {
    const result = await run({ seed: number, operations, mutation });
    summary.add(result);
    const { history, violations, lasted } = result;
    console.log(
      `seed ${number}: ${history.operations.length} operations, ${Math.round(lasted / 1_000)} s, ` +
        `${history.faults.length} faults, ${violations.length} violations`,
    );
    const [first] = violations;
    if (first !== undefined && bail) return false;
    if (first !== undefined && accounts++ < MAX_ACCOUNTS)
      console.log(`\n${explainViolation(first, history)}\n`);
  }
  console.log(`\n${numbers.length} seeds in ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
  console.log(summaryOf(summary));
  return summary.violations === 0;
}

function parseOptions(argv: readonly string[]): Options {
  return commandOf(
    "verify:coherence",
    "Checks every read of simulated histories with injected faults against the guarantees.",
  )
    .option("--seeds <count>", "histories, seeded 1, 2, 3, …", wholeNumber(1), SEEDS)
    .option("--operations <count>", "reads and writes of each", wholeNumber(1), OPERATIONS)
    .option("--seed <number>", "only this seed", wholeNumber(0))
    .option("--bail", "stop at the first history with a violation")
    .addOption(
      new Option("--break <part>", "take a part of the protocol out: violations must be found").choices([
        ...MUTATIONS,
      ]),
    )
    .parse([...argv])
    .opts<Options>();
}

await runCommand(() => verify(parseOptions(process.argv)));
