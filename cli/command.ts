import { Command } from "commander";
import { UserError } from "../simulator/user-error.ts";
import type { Cell } from "../verify/peers.ts";

/**
 * Runs a verification of a folder of traces: exits with 1 when it finds something wrong, and says in a line what a
 * person can put right.
 */
export async function runScript(
  name: string,
  description: string,
  verify: (folder: string, options: Record<string, string>) => Promise<boolean>,
  configure: (command: Command) => Command = (command) => command,
): Promise<void> {
  const command = configure(
    new Command(name).description(description).argument("<traces>", "folder of traces"),
  );
  command.action(async (folder: string, options: Record<string, string>) => {
    if (!(await verify(folder, options))) process.exitCode = 1;
  });
  await tellingUserErrors(() => command.parseAsync());
}

/** Prints a UserError as a sentence and exits with 1; anything else is a mistake of ours and keeps its stack. */
export async function tellingUserErrors(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** Cells of each trace, so that a trace is read once for all of them. */
export const byTrace = (cells: readonly Cell[]): Map<string, Cell[]> =>
  Map.groupBy(cells, (cell) => cell.trace);
