import { Command, InvalidArgumentError } from "commander";
import { UserError } from "../simulator/user-error.ts";

/** What a shell reports of a program that Ctrl-C ended. */
const INTERRUPTED = 130;
/** Under npm one Ctrl-C can arrive twice: from the terminal and passed on by npm. */
const SAME_INTERRUPTION_MS = 1_000;

/** Somebody asked to stop: Ctrl-C, or a supervisor's signal. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}

/** The command line of an npm script. */
export const commandOf = (script: string, description: string): Command =>
  new Command(script === "start" ? "npm start --" : `npm run ${script} --`).description(description);

/** Does what a command is for and sets the exit code. `act` resolves to whether all is well. */
export async function runCommand(act: () => Promise<boolean>): Promise<void> {
  process.exitCode = await exitCodeOf(act);
}

/**
 * The exit code of what `act` comes to: 0 when it resolves to true, 1 when to false. A UserError is told in a
 * sentence and has its own, an interruption is 130; anything else is a mistake of ours and is told with its stack.
 */
export async function exitCodeOf(act: () => Promise<boolean>): Promise<number> {
  try {
    return (await act()) ? 0 : 1;
  } catch (error) {
    if (isInterruption(error)) {
      console.error("Interrupted.");
      return INTERRUPTED;
    }
    if (error instanceof UserError) {
      console.error(error.message);
      return error.exitCode;
    }
    console.error(error);
    return 1;
  }
}

/** Waits of Node that a signal ended have its reason as their cause. */
const isInterruption = (error: unknown): boolean =>
  error instanceof InterruptedError || (error instanceof Error && error.cause instanceof InterruptedError);

/**
 * From now on the first Ctrl-C or SIGTERM aborts this signal, with an InterruptedError as the reason, and leaves it
 * to the command to put things in order and stop; one that comes later, from somebody tired of waiting, ends at once.
 * Only for commands that wait: one that computes without a pause would not hear it, and has nothing to put in order.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  let abortedAt = Number.POSITIVE_INFINITY;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      if (performance.now() - abortedAt > SAME_INTERRUPTION_MS) process.exit(INTERRUPTED);
      abortedAt = Math.min(abortedAt, performance.now());
      controller.abort(new InterruptedError("interrupted"));
    });
  return controller.signal;
}

/** A parser of whole numbers within limits, the limits included. */
export const wholeNumber =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} up` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${range}.`);
  };

/** A parser of numbers from 0 up, whole or not. */
export function notNegative(text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number) && number >= 0) return number;
  throw new InvalidArgumentError("It must be a number, 0 or more.");
}

/** A parser of the address of an instance: its origin. */
export function address(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError("It must be an address such as http://localhost:8787.");
  return url.origin;
}
