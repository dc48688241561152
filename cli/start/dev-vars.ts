import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { messageOf, UserError } from "../../simulator/user-error.ts";

/** 192 bits: far beyond guessing, and still one line to paste. */
const TOKEN_BYTES = 24;

/** What stands in `.dev.vars.example` where a token belongs. */
const PLACEHOLDER = /^([A-Z_]+)=change-me\b.*$/gm;

/** The variables of a directory's `.dev.vars`; none when there is no such file. */
export async function readDevVars(directory: string): Promise<Readonly<Record<string, string>>> {
  const path = join(directory, ".dev.vars");
  try {
    const variables = parseEnv(await readFile(path, "utf8"));
    return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value ?? ""]));
  } catch (cause) {
    if (isMissing(cause)) return {};
    throw new UserError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** The first token of a comma-separated list, if any. */
export function firstToken(list: string | undefined): string | undefined {
  return list
    ?.split(",")
    .map((token) => token.trim())
    .find((token) => token !== "");
}

/** Creates `.dev.vars` with random tokens unless it is there already; says whether it did. */
export async function ensureDevVars(directory: string): Promise<boolean> {
  const example = await readFile(join(directory, ".dev.vars.example"), "utf8");
  try {
    // "wx" never overwrites, not even when two starts race; 600 since these are credentials.
    await writeFile(join(directory, ".dev.vars"), fillIn(example), { flag: "wx", mode: 0o600 });
    return true;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return false;
    throw new UserError(`.dev.vars cannot be written in ${directory}: ${messageOf(cause)}`, { cause });
  }
}

/** The example with a random token for each placeholder. */
const fillIn = (example: string): string =>
  example.replace(
    PLACEHOLDER,
    (_, name: string) => `${name}=${randomBytes(TOKEN_BYTES).toString("base64url")}`,
  );

const isMissing = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "ENOENT";
