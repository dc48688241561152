import type { Command } from "commander";
import { POLICIES } from "../../simulator/policies.ts";
import { commandOf, notNegative, wholeNumber } from "../command.ts";

/** What a person asks of the simulator. */
export interface SimulateOptions {
  readonly cache: string;
  readonly policy: readonly string[];
  readonly fillMs: number;
  readonly cost: number;
  readonly rows?: number;
  readonly json?: boolean;
  readonly ops?: string;
}

/** The command line: parses the arguments and hands the trace's path and the options to `act`. */
export function simulateCommand(act: (path: string, options: SimulateOptions) => Promise<void>): Command {
  return commandOf(
    "simulate",
    "Runs an access log through cache policies, to see which would have served it best.",
  )
    .argument(
      "<trace>",
      "trace CSV, Common or Combined Log, or Cloudflare Logpush http_requests; gzipped or not",
    )
    .option("--cache <size>", "5% of the trace's distinct objects, 1000 objects, or 64MiB", "5%")
    .option("--policy <names>", `comma-separated, of ${POLICIES.join(", ")}`, names, POLICIES)
    .option("--fill-ms <ms>", "how long a prefetch takes, in the trace's time", notNegative, 0)
    .option("--cost <share>", "what a prefetch costs, as a share of what a hit saves", notNegative, 0.1)
    .option("--rows <n>", "read only the first so many requests", wholeNumber(1))
    .option("--json", "print a JSON object a line for each policy")
    .option("--ops <file>", "write down all that the one policy named did, a JSON object a line")
    .action(act);
}

const names = (text: string): readonly string[] => text.split(",").map((name) => name.trim());
