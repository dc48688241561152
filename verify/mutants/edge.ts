import type { Mutant } from "./mutant.ts";

const FAULTS = "test/worker/faults.test.ts";
const STORAGE_FAULTS = "test/worker/storage-faults.test.ts";
const STORE = "test/worker/shard-store.test.ts";
const DIRECT = "test/http/direct-read.test.ts";
const CONDITIONS = "test/http/conditions.test.ts";
const FRESHNESS = "test/http/freshness.test.ts";
const ROUTING = "test/worker/routing-state.test.ts";
const QUEUES = "test/durable-objects/queues.test.ts";

/** Faults in storage, HTTP, the edge, queues and routing. */
const ROUTE = "test/core/routing/routing.test.ts";

export const EDGE_MUTANTS: readonly Mutant[] = [
  {
    file: "src/http/direct-read.ts",
    find: "if (open.meta.version === meta.version) return answered(",
    replace: "if (open.meta.size > 0) return answered(",
    why: "a range is read from R2 without its version check",
    tests: [DIRECT],
  },
  {
    file: "src/http/direct-read.ts",
    find: "    if (tries === MAX_TRIES)",
    replace: "    if (tries === 1)",
    why: "a range is given up when its shard is overwritten once",
    tests: [DIRECT],
  },
  {
    file: "src/http/freshness.ts",
    find: 'if (directives.has("no-store") || directives.has("no-cache")) return 0;',
    replace: 'if (directives.has("no-store")) return 0;',
    why: "a shard that says no-cache is served without asking",
    tests: [FRESHNESS],
  },
  {
    file: "src/http/freshness.ts",
    find: 'directives.get("s-maxage") ?? directives.get("max-age")',
    replace: 'directives.get("max-age") ?? directives.get("s-maxage")',
    why: "max-age goes before s-maxage",
    tests: [FRESHNESS],
  },
  {
    file: "src/http/byte-range.ts",
    find: "length: only.end - only.start + 1 }",
    replace: "length: only.end - only.start }",
    why: "a range lacks its last byte",
    tests: [DIRECT],
  },
  {
    file: "src/http/conditions.ts",
    find: 'if (!matches(conditions.ifMatch, current.etag, "strong")) return "failed";',
    replace: 'if (!matches(conditions.ifMatch, current.etag, "weak")) return "failed";',
    why: "If-Match takes weak tags",
    tests: [CONDITIONS],
  },
  {
    file: "src/http/conditions.ts",
    find: "return ifRange === current.etag;",
    replace: "return ifRange === current.etag || ifRange.length > 2;",
    why: "If-Range joins parts of two versions",
    tests: [CONDITIONS, "test/worker/reading-shards.test.ts"],
  },
  {
    file: "src/http/shard-response.ts",
    find: "Math.max(0, Math.floor((now - validatedAt) / 1_000))",
    replace: "Math.max(0, Math.floor((validatedAt - now) / 1_000))",
    why: "a copy does not tell its age",
    tests: ["test/http/shard-response.test.ts", "test/durable-objects/partition-node.test.ts"],
  },
  {
    file: "src/storage/r2-shard-store.ts",
    find: "    if (conditions !== null) put.onlyIf = conditions;\n",
    replace: "",
    why: "a conditional write overwrites whatever is there",
    tests: [STORE],
  },
  {
    file: "src/storage/r2-shard-store.ts",
    find: "    if (options.sha256 !== undefined) put.sha256 = options.sha256;\n",
    replace: "",
    why: "a body that lost bytes on its way is stored",
    tests: [STORE],
  },
  {
    file: "src/storage/r2-shard-store.ts",
    find: "    version: object.version,\n",
    replace: "    version: object.httpEtag,\n",
    why: "two writes of the same bytes have one version",
    tests: [STORE],
  },
  {
    file: "src/storage/resilient-store.ts",
    find: "error instanceof StorageUnavailableError && !(error instanceof StorageTimeoutError)",
    replace: "error instanceof StorageUnavailableError",
    why: "what timed out is asked again, thrice as long",
    tests: [STORAGE_FAULTS],
  },
  {
    file: "src/storage/resilient-store.ts",
    find: "      timedOut(store.put(id, body, options), timeout + (options?.size ?? 0) / MIN_UPLOAD_RATE, clock),",
    replace: "      repeated(() => store.put(id, body, options)),",
    why: "a write is repeated, and may undo a later one",
    tests: [STORAGE_FAULTS],
  },
  {
    file: "src/edge/publish-invalidation.ts",
    find: 'outcomes.every(({ status }) => status === "fulfilled")',
    replace: 'outcomes.some(({ status }) => status === "fulfilled")',
    why: "a write is acknowledged though half of its announcement failed",
    tests: [FAULTS],
  },
  {
    file: "src/edge/partition-read.ts",
    find: 'if (response.status === 500) return "partition-failed";',
    replace: "",
    why: "a partition's own fault is the reader's answer",
    tests: [FAULTS],
  },
  {
    file: "src/edge/partition-read.ts",
    find: "withTimeout(asking, timeout, clock)",
    replace: "asking",
    why: "a partition that says nothing is waited for for ever",
    tests: [FAULTS],
  },
  {
    file: "src/edge/partition-stub.ts",
    find: 'flag(error, "retryable") && !flag(error, "overloaded")',
    replace: 'flag(error, "retryable")',
    why: "an overloaded partition is asked again",
    tests: [FAULTS],
  },
  {
    file: "src/queues/prefetch.ts",
    find: "body.prefetches.filter(({ expires }) => expires > now())",
    replace: "body.prefetches.filter(({ expires }) => expires > 0)",
    why: "what expired on its way is fetched",
    tests: [QUEUES],
  },
  {
    file: "src/queues/changes.ts",
    find: "if (logged) message.ack();",
    replace: "if (logged || message.attempts > 0) message.ack();",
    why: "a change that the coordinator did not log is not delivered again",
    tests: [QUEUES],
  },
  {
    file: "src/queues/changes.ts",
    find: "partitions.map(async (name)",
    replace: "partitions.slice(1).map(async (name)",
    why: "one partition is not told of changes",
    tests: [QUEUES],
  },
  {
    file: "src/edge/partition-read.ts",
    find: "  if (state !== null) learnRoutingState(state);\n",
    replace: "",
    why: "an isolate does not hear of new settings with a partition's answer",
    tests: [ROUTING],
  },
  {
    file: "src/edge/partition-read.ts",
    find: "  answer.headers.delete(ROUTING_STATE_HEADER);\n",
    replace: "",
    why: "settings reach the client in a header",
    tests: [ROUTING],
  },
  {
    file: "src/edge/routing-state.ts",
    find: "settings.version >= known.settings.version",
    replace: "settings.version >= 0",
    why: "an isolate takes older settings from a partition that is behind",
    tests: [ROUTING],
  },
  {
    file: "src/routes/cors.ts",
    find: "return (await confirmedRoutingState(env)).settings.settings.corsOrigins;",
    replace: "return corsOrigins;",
    why: "a new origin is refused by what the isolate knew before",
    tests: [ROUTING],
  },
  {
    file: "src/queues/events.ts",
    find: "    for (const { message } of good) message.retry(retryDelay(message.attempts));\n",
    replace: "    for (const { message } of good) message.ack();\n",
    why: "a report that the coordinator did not take is lost",
    tests: [QUEUES],
  },
  {
    file: "src/queues/consume.ts",
    find: "Math.min(longest, 2 ** Math.max(0, attempts - 1))",
    replace: "Math.min(longest, 2 ** Math.max(0, attempts))",
    why: "a failed message waits twice as long",
    tests: [QUEUES],
  },
  {
    file: "src/core/routing/route.ts",
    find: "  const { generation, slots } = regionTopology(topology, place);\n  return address(",
    replace:
      "  const { generation, slots } = { ...regionTopology(topology, place), generation: 1 };\n  return address(",
    why: "routing ignores the generation",
    tests: [ROUTE],
  },
  {
    file: "src/core/routing/route.ts",
    find: "const holders = holdersOf(hot, shard);",
    replace: "const holders = holdersOf(hot, shard)?.slice(0, 1);",
    why: "one slot of several answers for a hot shard",
    tests: [ROUTE],
  },
  {
    file: "src/edge/publish-invalidation.ts",
    find: "partitionsOf(region, currentRoutingState().topology).map(",
    replace: "partitionsOf(region, currentRoutingState().topology).slice(1).map(",
    why: "a writer's own partition keeps its copy",
    tests: ["test/worker/faults.test.ts", "test/worker/writing-shards.test.ts"],
  },
];
