import { ProblemError } from "../contract/problems.ts";
import type { Config } from "../env.ts";

/** What a route needs: a kind of token, or nothing. */
export type Scope = "read" | "write" | "events" | "admin";

const encoder = new TextEncoder();

/**
 * Lets a request pass when it carries a token of its scope.
 * @throws ProblemError `unauthorized` without a credential, `forbidden` with a wrong one.
 */
export async function authorize(request: Request, scope: Scope, config: Config): Promise<void> {
  const accepted = config.tokens[scope];
  if (accepted === null) return;
  const token = bearerToken(request) ?? (scope === "admin" ? browserPassword(request) : undefined);
  if (token === undefined) throw unauthorized(scope);
  if (!(await isAccepted(token, accepted)))
    throw new ProblemError("forbidden", `The token given is not one of the ${scope} tokens.`);
}

function unauthorized(scope: Scope): ProblemError {
  const challenge =
    scope === "admin" ? 'Bearer realm="foreshard", Basic realm="foreshard"' : 'Bearer realm="foreshard"';
  return new ProblemError(
    "unauthorized",
    `Send "Authorization: Bearer <token>" with one of the ${scope} tokens.`,
    { "WWW-Authenticate": challenge },
  );
}

function bearerToken(request: Request): string | undefined {
  return /^Bearer +([^\s]+)\s*$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
}

/** Browsers ask for a name and password when they open a page: the password is the token. For reading only. */
function browserPassword(request: Request): string | undefined {
  if (request.method !== "GET" && request.method !== "HEAD") return undefined;
  const encoded = /^Basic +([A-Za-z0-9+/=]+)\s*$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (encoded === undefined) return undefined;
  try {
    const decoded = atob(encoded);
    return decoded.slice(decoded.indexOf(":") + 1);
  } catch {
    return undefined; // Not Base64: no credential at all.
  }
}

/** Compares with every token, in a time that depends neither on where they differ nor on their lengths. */
async function isAccepted(token: string, accepted: readonly string[]): Promise<boolean> {
  const given = await digest(token);
  let found = false;
  for (const candidate of accepted) {
    // Equal lengths are a must for timingSafeEqual; hashing gives them, and hides the real ones.
    if (crypto.subtle.timingSafeEqual(given, await digest(candidate))) found = true;
  }
  return found;
}

const digest = (text: string): Promise<ArrayBuffer> => crypto.subtle.digest("SHA-256", encoder.encode(text));
