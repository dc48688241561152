import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { UserError } from "../../simulator/user-error.ts";
import { InterruptedError } from "../command.ts";
import type { InstanceSettings, ReplaySettings } from "./instance.ts";
import type { MissingShards } from "./with-shards.ts";

/** What a command reports that was not told it may. */
const NOT_ALLOWED = 2;

/** What a replay is about to do to an instance. */
export interface Effects {
  readonly url: string;
  readonly change: ReplaySettings;
  readonly now: InstanceSettings["settings"];
  readonly prefix: string;
  readonly missing: MissingShards;
  readonly keep: boolean;
}

/** Where to ask: a terminal, or a program, which cannot answer. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** On stderr, so that standard output has nothing but the result. */
const TERMINAL: Terminal = { input: process.stdin, output: process.stderr };

/** What it does, for a person to judge. */
function describe({ url, change, now, prefix, missing, keep }: Effects): string {
  const settings = Object.entries(change)
    .map(([name, value]) => `${name} ${shown(value)} (now ${shown(Object(now)[name])})`)
    .join(", ");
  const overwritten = missing.sizes.size - missing.own.length;
  return [
    `This will, at ${url},`,
    "  forget everything that is cached and learned there,",
    `  set ${settings} until it is done,`,
    missing.sizes.size === 0
      ? `  store nothing: all shards are there, under ${prefix}`
      : `  store ${shown(missing.sizes.size)} shards of ${shown(missing.bytes)} bytes under ${prefix}` +
        (overwritten === 0 ? "" : `, ${shown(overwritten)} of them over shards of another size,`) +
        (keep ? " and leave them there." : " and delete those that are new afterwards."),
    "",
  ].join("\n");
}

/**
 * Tells what is to be done and asks whether it may be.
 * @throws UserError when it may not, or when there is nobody to ask; InterruptedError at Ctrl-C.
 */
export async function askConsent(
  effects: Effects,
  yes: boolean,
  signal: AbortSignal,
  { input, output }: Terminal = TERMINAL,
): Promise<void> {
  output.write(describe(effects));
  if (yes) return;
  if (input.isTTY !== true || output.isTTY !== true)
    throw new UserError("Nothing was done: there is no terminal to ask at. Give --yes if it may.", {
      exitCode: NOT_ALLOWED,
    });
  const answer = await ask("Go on? [y/N] ", signal, { input, output });
  if (!/^\s*y(es)?\s*$/i.test(answer)) throw new UserError("Nothing was done.");
}

/** A line from a terminal; empty at its end (Ctrl-D). */
async function ask(question: string, signal: AbortSignal, { input, output }: Terminal): Promise<string> {
  signal.throwIfAborted();
  const lines = createInterface({ input, output });
  try {
    // While it asks, the terminal hands Ctrl-C to the interface as a key, and no signal comes.
    const interrupted = once(lines, "SIGINT").then(() => {
      throw new InterruptedError("interrupted");
    });
    const closed = once(lines, "close").then(() => "");
    const answer = lines.question(question, { signal }).catch(() => {
      signal.throwIfAborted();
      return ""; // Ctrl-D.
    });
    return await Promise.race([answer, interrupted, closed]);
  } finally {
    lines.close();
  }
}

const shown = (value: unknown): string =>
  typeof value === "number" ? value.toLocaleString("en") : String(value);
