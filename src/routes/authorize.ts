import type { Config } from "../config.ts";
import { ProblemError } from "../contract/problems.ts";
import { hasAccess } from "./access.ts";
import { hex, sha256 } from "./digest.ts";

/** What a route needs: a kind of token, or nothing. */
export type Scope = "read" | "write" | "events" | "admin";

/** Who was let in, as rate limits tell callers apart: a hash of the token, "access", or "open". */
export type CallerKey = string;

/**
 * Lets a request pass when it carries a token of its scope or, for the admin pages, an assertion of Cloudflare Access.
 * @throws ProblemError `unauthorized` without a credential or with a wrong password, `forbidden` with a wrong token.
 */
export async function authorize(request: Request, scope: Scope, config: Config): Promise<CallerKey> {
  const accepted = config.tokens[scope];
  if (accepted === null) return "open";
  if (scope === "admin" && (await vouchedFor(request, config))) return "access";
  const token = bearerToken(request);
  const password = token === undefined && scope === "admin" ? browserPassword(request) : undefined;
  const given = token ?? password;
  if (given === undefined) throw unauthorized(scope, request);
  const key = await acceptedKey(given, accepted);
  if (key !== null) return key;
  // A browser remembers a password that was answered with anything else than 401, and would never ask again.
  if (password !== undefined) throw unauthorized(scope, request);
  throw new ProblemError("forbidden", `The token given is not one of the ${scope} tokens.`);
}

function unauthorized(scope: Scope, request: Request): ProblemError {
  // A browser that opens a page is asked for a password; it reads one challenge a header line, and knows no Bearer.
  const isPage = scope === "admin" && (request.headers.get("Accept") ?? "").includes("text/html");
  const challenge = isPage ? 'Basic realm="foreshard", charset="UTF-8"' : 'Bearer realm="foreshard"';
  return new ProblemError(
    "unauthorized",
    `Send "Authorization: Bearer <token>" with one of the ${scope} tokens.`,
    { "WWW-Authenticate": challenge },
  );
}

const bearerToken = (request: Request): string | undefined =>
  /^Bearer +([^\s]+)\s*$/i.exec(request.headers.get("Authorization") ?? "")?.[1];

const vouchedFor = async (request: Request, { access }: Config): Promise<boolean> =>
  access !== null && isOwnPages(request) && (await hasAccess(request, access));

/** Browsers ask for a name and password when they open a page: the password is the token. */
function browserPassword(request: Request): string | undefined {
  if (!isOwnPages(request)) return undefined;
  const encoded = /^Basic +([A-Za-z0-9+/=]+)\s*$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (encoded === undefined) return undefined;
  try {
    const decoded = atob(encoded);
    return decoded.slice(decoded.indexOf(":") + 1);
  } catch {
    return undefined; // Not Base64: no credential at all.
  }
}

/**
 * Whether a credential that browsers send by themselves (a remembered password, Access's cookie) may count: always
 * for reading; for a change only when the browser says that one of our own pages asks for it. Any other site could
 * have made the browser send the request.
 */
function isOwnPages(request: Request): boolean {
  if (request.method === "GET" || request.method === "HEAD") return true;
  const site = request.headers.get("Sec-Fetch-Site");
  if (site !== null) return site === "same-origin";
  const origin = request.headers.get("Origin");
  return origin !== null && origin === new URL(request.url).origin;
}

/** Compares with every token, in a time that depends neither on where they differ nor on their lengths. */
async function acceptedKey(token: string, accepted: readonly string[]): Promise<CallerKey | null> {
  const given = await sha256(token);
  let found = false;
  for (const candidate of accepted) {
    // Equal lengths are a must for timingSafeEqual; hashing gives them, and hides the real ones.
    if (crypto.subtle.timingSafeEqual(given, await sha256(candidate))) found = true;
  }
  return found ? hex(given) : null;
}
