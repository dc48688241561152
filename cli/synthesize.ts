/** `npm run synthesize`: a trace of a made-up site, for trying things without a log. */
import { writeFile } from "node:fs/promises";
import { siteTrace } from "../simulator/site-trace.ts";
import { messageOf, UserError } from "../simulator/user-error.ts";
import { commandOf, runCommand, wholeNumber } from "./command.ts";

const command = commandOf("synthesize", "Writes a trace of a made-up site: pages, films and a map.")
  .argument("<file>", "the CSV to write")
  .option("--rows <count>", "requests", wholeNumber(1), 10_000)
  .option("--seed <number>", "which of the many such traces", wholeNumber(0), 1);

await runCommand(async () => {
  const { rows, seed } = command.parse().opts<{ rows: number; seed: number }>();
  const [file = ""] = command.args;
  const trace = siteTrace({ rows, seed });
  const lines = Array.from({ length: rows }, (_, row) =>
    [trace.time(row), trace.client(row), trace.eventType(row), trace.object(row), trace.bytes(row)].join(","),
  );
  try {
    await writeFile(file, `${["t_ms,client,event_type,object,bytes", ...lines].join("\n")}\n`);
  } catch (cause) {
    throw new UserError(`${file} cannot be written: ${messageOf(cause)}`, { cause });
  }
  console.log(`${file}: ${rows} requests for ${trace.objects.length} objects.`);
  return true;
});
