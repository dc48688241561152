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
}

/** Parses the variables and secrets; missing write, event and admin tokens let nobody in. */
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
  };
}

const tokenList = (text: string | undefined): readonly string[] =>
  (text ?? "")
    .split(",")
    .map((token) => token.trim())
    .filter((token) => token !== "");
