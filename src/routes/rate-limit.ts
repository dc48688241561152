import { createMiddleware } from "hono/factory";
import { ProblemError, problemResponse } from "../contract/problems.ts";
import { BoundedMap } from "../core/collections/bounded-map.ts";
import { SECOND } from "../core/units.ts";
import type { AppTypes } from "./app-types.ts";
import { hex, sha256 } from "./digest.ts";

/** The period of WRITE_LIMIT and EVENT_LIMIT in `wrangler.toml`, in seconds: after it they let through again. */
const CALL_PERIOD = 10;
/** The period of LOGIN_LIMIT in `wrangler.toml`, in seconds. */
const LOGIN_PERIOD = 60;
/** Addresses remembered as shut out at most; more only while an attack has more addresses than this. */
const MAX_SHUT_OUT = 1_000;

/**
 * Counts a call against a limit. Without the binding there is none; where the limiter fails, calls go on: it guards
 * against floods, not against callers without a token.
 * @throws ProblemError `rate-limited`.
 */
export async function limitRate(limiter: RateLimit | undefined, key: string, what: string): Promise<void> {
  if (await mayPass(limiter, key)) return;
  throw new ProblemError(
    "rate-limited",
    `Too many ${what} from this caller; wait ${CALL_PERIOD} seconds, then send them more slowly.`,
    { "Retry-After": String(CALL_PERIOD) },
  );
}

async function mayPass(limiter: RateLimit | undefined, key: string): Promise<boolean> {
  if (limiter === undefined) return true;
  try {
    return (await limiter.limit({ key })).success;
  } catch {
    return true;
  }
}

/** Addresses that guessed too often, by hash, and until when (ms since the epoch) nothing from them is compared. */
const shutOut = new BoundedMap<string, number>(MAX_SHUT_OUT);

/**
 * Counts wrong admin tokens an address. Who guesses too often is shut out for a period, with a right token too:
 * otherwise the answer would still tell which guess was right.
 */
export const limitLogins = createMiddleware<AppTypes>(async (context, next) => {
  const address = await callerAddress(context.req.raw);
  const until = shutOut.get(address);
  if (until !== undefined && Date.now() < until) throw tooManyLogins();
  await next();
  if (!isWrongLogin(context.error, context.req.raw)) return;
  if (await mayPass(context.env.LOGIN_LIMIT, address)) return;
  shutOut.set(address, Date.now() + LOGIN_PERIOD * SECOND);
  context.res = problemResponse(tooManyLogins());
});

/** A wrong token, or a wrong password; not a request without any, which browsers send before they ask for one. */
const isWrongLogin = (error: Error | undefined, request: Request): boolean =>
  error instanceof ProblemError &&
  (error.code === "forbidden" || (error.code === "unauthorized" && request.headers.has("Authorization")));

const tooManyLogins = (): ProblemError =>
  new ProblemError(
    "rate-limited",
    `Too many wrong admin tokens from this address; wait ${LOGIN_PERIOD} seconds.`,
    { "Retry-After": String(LOGIN_PERIOD) },
  );

/** The caller's address, hashed. Of IPv6 the network's half: its other half is the caller's to choose. */
export async function callerAddress(request: Request): Promise<string> {
  // Set by Cloudflare; what a client sends under this name does not arrive.
  const address = request.headers.get("CF-Connecting-IP") ?? "";
  const network = address.includes(":") ? expandIpv6(address).slice(0, 4).join(":") : address;
  return hex(await sha256(network));
}

/** The eight groups of an IPv6 address, those left out by `::` as zeros. */
function expandIpv6(address: string): readonly string[] {
  const [before = "", after = ""] = address.toLowerCase().split("::");
  const left = before.split(":").filter((group) => group !== "");
  const right = after.split(":").filter((group) => group !== "");
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
  return [...left, ...zeros, ...right];
}
