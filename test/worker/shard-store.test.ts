import { env } from "cloudflare:workers";
import { describe } from "vitest";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";
import { R2ShardStore } from "../../src/storage/r2-shard-store.ts";
import { shardStoreContract } from "../contracts/shard-store.ts";

describe("shards in R2", () => shardStoreContract(() => new R2ShardStore(env.SHARDS)));
describe("shards in memory", () => {
  let now = 0;
  shardStoreContract(() => new MemoryShardStore(() => ++now));
});
