/**
 * `npm run verify:chain`: every link of the chain from events to prefetches, as production nodes in virtual time: one
 * figure each, and what it has to be.
 */
import Table from "cli-table3";
import { commandOf, runCommand } from "../cli/command.ts";
import { UserError } from "../simulator/user-error.ts";
import { CHAIN_CHECKS } from "./chain/checks.ts";

const command = commandOf("verify:chain", "Shows that every link of the prediction chain pulls.")
  .argument("[traces]", "a folder with nasa95.csv.gz and cran12.csv.gz; without it a made-up site stands in")
  .option("--only <text>", "only checks whose name contains this");

await runCommand(run);

async function run(): Promise<boolean> {
  const { only = "" } = command.parse().opts<{ only?: string }>();
  const [traces] = command.args;
  const checks = CHAIN_CHECKS.filter(({ name }) => name.includes(only));
  if (checks.length === 0) throw new UserError(`No check's name contains "${only}".`);
  const table = new Table({
    head: ["shown", "measured", "bar", ""],
    wordWrap: true,
    colWidths: [60, 24, 24, 8],
    style: { head: [], border: [] },
  });
  let allHeld = true;
  for (const { name, run: check } of checks) {
    console.error(name);
    for (const { what, measured, bar, held } of await check(traces)) {
      table.push([what, measured, bar, held ? "held" : "MISSED"]);
      allHeld &&= held;
    }
  }
  console.log(table.toString());
  return allHeld;
}
