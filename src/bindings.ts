import type { ChangeMessage, PrefetchMessage, Report } from "./contract/messages.ts";
import type { CoordinatorRpc, PartitionRpc } from "./contract/rpc.ts";

/** The bindings and variables of `wrangler.toml`, and the secrets. */
export interface Bindings {
  readonly PARTITION: DurableObjectNamespace<PartitionRpc>;
  readonly COORDINATOR: DurableObjectNamespace<CoordinatorRpc>;
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
