import { z } from "zod";
import { eventInputSchema } from "./events.ts";
import { settingsPatchSchema } from "./settings.ts";

/** One call of the HTTP interface, as people read it. */
export interface Call {
  readonly method: "get" | "head" | "put" | "delete" | "post";
  readonly path: string;
  readonly summary: string;
  /** The kind of token it needs; reads need one only where read tokens are set. */
  readonly token: "read" | "write" | "events" | "admin" | null;
  /** What success answers. */
  readonly answers: Readonly<Record<string, string>>;
  readonly body?: z.ZodType;
}

const SHARD = "/shards/{id}";

/** The HTTP interface. */
export const CALLS: readonly Call[] = [
  {
    method: "get",
    path: SHARD,
    summary:
      "A shard's bytes; ranges and conditional requests; Cache-Control: no-cache asks for the storage's own answer",
    token: "read",
    answers: {
      200: "the shard",
      206: "a part of it",
      304: "not modified",
      404: "no such shard",
      416: "no such range",
    },
  },
  {
    method: "head",
    path: SHARD,
    summary: "What GET answers, without the bytes",
    token: "read",
    answers: { 200: "the headers" },
  },
  {
    method: "put",
    path: SHARD,
    summary:
      "Stores a shard; If-Match, If-None-Match: *, Repr-Digest; ?coherence=strong waits until nobody reads older bytes",
    token: "write",
    answers: { 200: "replaced", 201: "created", 412: "a condition failed" },
  },
  { method: "delete", path: SHARD, summary: "Deletes a shard", token: "write", answers: { 204: "gone" } },
  {
    method: "get",
    path: "/shards",
    summary: "Lists shards; ?prefix=&cursor=&limit=",
    token: "read",
    answers: { 200: "a page" },
  },
  {
    method: "post",
    path: "/events",
    summary: "What users did besides reading: one event, an array, or NDJSON; at most 1,000 and 256 KiB",
    token: "events",
    answers: { 202: "the number accepted" },
    body: z.union([eventInputSchema, z.array(eventInputSchema)]),
  },
  {
    method: "get",
    path: "/admin",
    summary: "The numbers as a page",
    token: "admin",
    answers: { 200: "the page" },
  },
  ...(
    [
      ["partitions", "Each partition: bytes, hits, misses, queues"],
      ["map", "The prefetch probability map: {event type: {shard: entry}}"],
      ["correlations", "The correlation matrix between event types"],
      ["learning", "Rates of event types, changes of pattern, outcomes, calibration, scans"],
      ["prefetches", "Prefetches waiting in each partition"],
      ["placement", "The shards that placement warmed in each region"],
      ["topology", "Generations, slots, members and regions"],
      ["proof", "What prefetching saves, with its standard error"],
      ["explain", "?shard=&partition= Why a shard is there, or is not"],
      ["dead-letters", "Queue messages that were given up"],
      ["settings", "The settings, their version, and stored keys that this version ignores"],
    ] as const
  ).map(
    ([name, summary]): Call => ({
      method: "get",
      path: `/admin/api/${name}`,
      summary,
      token: "admin",
      answers: { 200: "JSON" },
    }),
  ),
  {
    method: "put",
    path: "/admin/api/settings",
    summary: "Changes some settings; partitions hear of it with their next heartbeat",
    token: "admin",
    answers: { 200: "the settings" },
    body: settingsPatchSchema,
  },
  {
    method: "post",
    path: "/admin/api/forget",
    summary: "Forgets everything cached and learned; stored shards stay",
    token: "admin",
    answers: { 200: "done" },
  },
  {
    method: "post",
    path: "/admin/api/rebalance",
    summary: "Runs one round of placement now",
    token: "admin",
    answers: { 200: "the moves" },
  },
  { method: "get", path: "/healthz", summary: "Liveness", token: null, answers: { 200: "alive" } },
];

/** The interface as an OpenAPI 3.1 document. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const call of CALLS) {
    const operations = paths[call.path] ?? {};
    paths[call.path] = { ...operations, [call.method]: operation(call) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Foreshard", version: "0.1.0", description: "Shards from memory near their readers." },
    paths,
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
  };
}

function operation({ path, summary, token, answers, body }: Call): object {
  const parameters = path.includes("{id}")
    ? {
        parameters: [
          { name: "id", in: "path", required: true, schema: { type: "string", maxLength: 1_024 } },
        ],
      }
    : {};
  return {
    summary,
    ...parameters,
    ...(token !== null && { security: token === "read" ? [{}, { token: [] }] : [{ token: [] }] }),
    ...(body !== undefined && {
      requestBody: { content: { "application/json": { schema: z.toJSONSchema(body, { io: "input" }) } } },
    }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([code, description]) => [code, { description }]),
    ),
  };
}
