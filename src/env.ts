import type { Coordinator } from "../durable-objects/coordinator.ts";
import type { Partition } from "../durable-objects/partition.ts";
import type { ChangeMessage, PrefetchMessage, Report } from "./contract/messages.ts";

/** The bindings and variables of `wrangler.toml`, and the secrets. */
export interface Env {
  readonly PARTITION: DurableObjectNamespace<Partition>;
  readonly COORDINATOR: DurableObjectNamespace<Coordinator>;
  readonly SETTINGS: DurableObjectNamespace;
  readonly SHARDS: R2Bucket;
  readonly EVENTS: Queue<Report>;
  readonly PREFETCH: Queue<PrefetchMessage>;
  readonly CHANGES: Queue<ChangeMessage>;
  readonly FORESHARD_ENV?: string;
  readonly READ_TOKENS?: string;
  readonly WRITE_TOKENS?: string;
  readonly EVENT_TOKENS?: string;
  readonly ADMIN_TOKENS?: string;
  /** Absent bindings limit nothing: a deployment works without them. */
  readonly WRITE_LIMIT?: RateLimit;
  readonly EVENT_LIMIT?: RateLimit;
  readonly LOGIN_LIMIT?: RateLimit;
  /** Cloudflare Access in front of /admin: `team.cloudflareaccess.com` and the application's audience tags. */
  readonly ACCESS_TEAM_DOMAIN?: string;
  readonly ACCESS_AUD?: string;
}

declare global {
  namespace Cloudflare {
    /** What `cloudflare:workers` exports as `env`. */
    interface Env extends ForeshardEnv {}
    /** Typed `exports.default` and classes. */
    interface GlobalProps {
      mainModule: typeof import("./index.ts");
    }
  }
}
type ForeshardEnv = Env;

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
export function parseConfig(env: Env): Config {
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

function accessConfig(env: Env): AccessConfig | null {
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
