import { UserError } from "../../simulator/user-error.ts";
import { firstToken, readDevVars } from "../start/dev-vars.ts";
import type { Tokens } from "./instance.ts";

/** Given tokens, else those of `.dev.vars` here. @throws UserError where a needed one is missing. */
export async function tokensOf(
  given: { readonly [Kind in keyof Tokens]?: string | undefined },
): Promise<Tokens> {
  const variables = await readDevVars(process.cwd());
  return {
    read: given.read ?? firstToken(variables.READ_TOKENS),
    write: required(given.write ?? firstToken(variables.WRITE_TOKENS), "write"),
    admin: required(given.admin ?? firstToken(variables.ADMIN_TOKENS), "admin"),
  };
}

function required(token: string | undefined, kind: string): string {
  if (token !== undefined) return token;
  throw new UserError(
    `This needs ${kind} rights: give --${kind}-token or FORESHARD_${kind.toUpperCase()}_TOKEN, or run it where npm start has made .dev.vars.`,
  );
}
