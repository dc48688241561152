import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { AccessConfig } from "../config.ts";

/** The header in which Cloudflare Access vouches for whom it let through. */
const ASSERTION_HEADER = "Cf-Access-Jwt-Assertion";
/** Clocks of Access and ours may differ by this many seconds. */
const CLOCK_TOLERANCE = 30;
/** A key server that says nothing for this long is away, ms: the token still opens. */
const KEYS_TIMEOUT = 3_000;

/** Teams' keys, fetched once an isolate and again when one is not among them. */
const keySets = new Map<string, JWTVerifyGetKey>();

/**
 * Whether the request carries an assertion that this team's Cloudflare Access signed for one of our applications and
 * that has not expired. Where the keys cannot be had, it does not.
 */
export async function hasAccess(request: Request, { issuer, audience }: AccessConfig): Promise<boolean> {
  const assertion = request.headers.get(ASSERTION_HEADER);
  if (assertion === null) return false;
  try {
    await jwtVerify(assertion, keysOf(issuer), {
      issuer,
      audience: [...audience],
      // Named, so that an assertion cannot choose a weaker algorithm, or none.
      algorithms: ["RS256"],
      requiredClaims: ["exp"],
      clockTolerance: CLOCK_TOLERANCE,
    });
    return true;
  } catch {
    return false; // Forged, expired, for somebody else, or not verifiable now: no credential.
  }
}

function keysOf(issuer: string): JWTVerifyGetKey {
  const known = keySets.get(issuer);
  if (known !== undefined) return known;
  const keys = createRemoteJWKSet(new URL(`${issuer}/cdn-cgi/access/certs`), {
    timeoutDuration: KEYS_TIMEOUT,
  });
  keySets.set(issuer, keys);
  return keys;
}
