import type { Bindings } from "./bindings.ts";

/** Who may do what; `null` tokens mean that everybody may. */
export interface Config {
  readonly development: boolean;
  readonly tokens: {
    readonly read: readonly string[] | null;
    readonly write: readonly string[];
    readonly events: readonly string[];
    readonly admin: readonly string[];
  };
  /** Whose assertions stand in for an admin token; null when Cloudflare Access is not configured. */
  readonly access: AccessConfig | null;
}

/** A Cloudflare Access application. */
export interface AccessConfig {
  /** `https://<team>.cloudflareaccess.com` */
  readonly issuer: string;
  /** Audience tags of the applications that guard the admin pages. */
  readonly audience: readonly string[];
}

/**
 * Parses the variables and secrets. What is missing or malformed lets nobody in: no write, event and admin tokens,
 * nobody writes, sends events or administers; half of the Access settings, no assertion counts.
 */
export function parseConfig(env: Bindings): Config {
  const read = tokenList(env.READ_TOKENS);
  return {
    development: env.FORESHARD_ENV === "development",
    tokens: {
      read: env.READ_TOKENS === undefined ? null : read,
      write: tokenList(env.WRITE_TOKENS),
      events: tokenList(env.EVENT_TOKENS),
      admin: tokenList(env.ADMIN_TOKENS),
    },
    access: accessConfig(env),
  };
}

/** A host name and no more: what is asked for keys must be what the operator wrote. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;

function accessConfig(env: Bindings): AccessConfig | null {
  const host = (env.ACCESS_TEAM_DOMAIN ?? "")
    .trim()
    .toLowerCase()
    .replace(/^https:\/\//, "")
    .replace(/\/$/, "");
  const audience = tokenList(env.ACCESS_AUD);
  return HOST.test(host) && audience.length > 0 ? { issuer: `https://${host}`, audience } : null;
}

const tokenList = (text: string | undefined): readonly string[] =>
  (text ?? "")
    .split(",")
    .map((token) => token.trim())
    .filter((token) => token !== "");
