import { type Context, Hono } from "hono";
import { parseDictionary } from "structured-headers";
import { z } from "zod";
import { cursorSchema, encodeCursor } from "../contract/cursor.ts";
import { MAX_ID_BYTES, shardIdFault } from "../contract/ids.ts";
import { INTERNAL_ENCODING_HEADER } from "../contract/partition-protocol.ts";
import { describeZodError, ProblemError } from "../contract/problems.ts";
import type { RoutingState } from "../contract/routing-state.ts";
import { ownerOf } from "../core/routing/route.ts";
import { readFromPartition } from "../edge/partition-read.ts";
import { type Coherence, publishInvalidation } from "../edge/publish-invalidation.ts";
import { confirmedRoutingState, currentRoutingState, settledRoutingState } from "../edge/routing-state.ts";
import { lastModified } from "../http/conditions.ts";
import { R2ShardStore } from "../storage/r2-shard-store.ts";
import { resilient } from "../storage/resilient-store.ts";
import { DigestMismatchError, type ShardMeta } from "../storage/shard-store.ts";
import type { AppTypes } from "./app-types.ts";
import { authorize } from "./authorize.ts";
import { addVary } from "./edit-headers.ts";
import { privateCacheControl } from "./private-caching.ts";
import { limitRate } from "./rate-limit.ts";
import { requestContext } from "./request-context.ts";
import { refuseDeleteConditions, storedHeaders, writeConditions } from "./stored-headers.ts";

/** `/shards`: the data plane. */
export const shardRoutes = new Hono<AppTypes>();

/** A cursor belongs to the list it came from, and so to its prefix. */
const listQuery = (prefix: string) =>
  z.object({
    prefix: z.string().max(MAX_ID_BYTES).default(""),
    cursor: cursorSchema(prefix).optional(),
    limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
  });

shardRoutes.get("/", async (context) => {
  await authorize(context.req.raw, "read", context.var.config);
  const query = listQuery(context.req.query("prefix") ?? "").safeParse(context.req.query());
  if (!query.success) throw new ProblemError("invalid-query", describeZodError(query.error));
  const { prefix, cursor, limit } = query.data;
  const page = await resilient(new R2ShardStore(context.env.SHARDS)).list({
    prefix,
    limit,
    ...(cursor !== undefined && { cursor }),
  });
  return context.json(
    {
      shards: page.shards.map(({ id, size, etag, uploaded }) => ({
        id,
        size,
        etag,
        uploaded: new Date(uploaded).toISOString(),
      })),
      ...(page.cursor !== undefined && { cursor: encodeCursor(prefix, page.cursor) }),
    },
    200,
    { "Cache-Control": "no-store" },
  );
});

// GET covers HEAD: Hono asks the GET route and leaves the body out, so the method is looked at below.
shardRoutes.get("/*", async (context) => {
  await authorize(context.req.raw, "read", context.var.config);
  const id = shardIdOf(context);
  const { user, eventType, dataType, region } = requestContext(context);
  const owner = ownerOf(region, id, user, currentRoutingState().topology);
  const header = (name: string): string | undefined => context.req.header(name);
  const response = toClient(
    await readFromPartition(context.env, owner, {
      id,
      method: context.req.raw.method === "HEAD" ? "HEAD" : "GET",
      user,
      eventType,
      dataType,
      region,
      range: header("Range"),
      ifRange: header("If-Range"),
      bypass: /(^|,)\s*no-cache\s*(,|$)/i.test(header("Cache-Control") ?? ""),
      conditions: {
        ifMatch: header("If-Match"),
        ifNoneMatch: header("If-None-Match"),
        ifModifiedSince: header("If-Modified-Since"),
        ifUnmodifiedSince: header("If-Unmodified-Since"),
      },
    }),
  );
  if (context.var.config.tokens.read !== null) keepPrivate(response.headers);
  return response;
});

shardRoutes.put("/*", async (context) => {
  await authorizeWrite(context);
  const id = shardIdOf(context);
  const coherence = coherenceOf(context);
  const { region } = requestContext(context);
  const kept = { ...storedHeaders(context), ...writeConditions(context) };
  const length = await contentLength(context);
  const sha256 = expectedDigest(context.req.header("Repr-Digest"));
  const store = resilient(new R2ShardStore(context.env.SHARDS));
  const existed = (await store.head(id)) !== null;
  const body = context.req.raw.body;
  const meta = await store
    .put(id, body === null || length === 0 ? new Uint8Array() : body, {
      ...kept,
      sha256,
      size: length,
    })
    .catch((error: unknown) => {
      if (error instanceof DigestMismatchError)
        throw new ProblemError(
          "digest-mismatch",
          "The body's SHA-256 is not the one in Repr-Digest; nothing was stored.",
        );
      throw error;
    });
  if (meta === null)
    throw new ProblemError(
      "precondition-failed",
      "The shard's current version excludes this write; nothing was stored.",
    );
  await publishInvalidation(
    context.env,
    { shard: id, etag: meta.etag, version: meta.version, uploaded: meta.uploaded },
    region,
    coherence,
  );
  return stored(id, meta, existed);
});

shardRoutes.delete("/*", async (context) => {
  await authorizeWrite(context);
  const id = shardIdOf(context);
  const coherence = coherenceOf(context);
  const { region } = requestContext(context);
  refuseDeleteConditions(context);
  await resilient(new R2ShardStore(context.env.SHARDS)).delete(id);
  await publishInvalidation(context.env, { shard: id, uploaded: Date.now() }, region, coherence);
  return new Response(null, { status: 204 });
});

shardRoutes.all("/*", () => {
  throw new ProblemError("method-not-allowed", "Shards take GET, HEAD, PUT and DELETE.", {
    Allow: "GET, HEAD, PUT, DELETE, OPTIONS",
  });
});

/** Writers are limited by token, wherever they write from. */
async function authorizeWrite(context: Context<AppTypes>): Promise<void> {
  const caller = await authorize(context.req.raw, "write", context.var.config);
  await limitRate(context.env.WRITE_LIMIT, caller, "writes");
}

/**
 * The shard id in a request's path, decoded once. Taken from the raw URL: routers normalise what they decode, and
 * an id must mean the same bytes on every way.
 */
function shardIdOf(context: Context<AppTypes>): string {
  const path = /^[^:]+:\/\/[^/]*\/shards\/([^?#]*)/.exec(context.req.raw.url)?.[1] ?? "";
  let id: string;
  try {
    id = decodeURIComponent(path);
  } catch {
    throw new ProblemError("invalid-id", "The id is not valid percent-encoded UTF-8.");
  }
  const fault = shardIdFault(id);
  if (fault !== null) throw new ProblemError("invalid-id", `${fault[0]?.toUpperCase()}${fault.slice(1)}.`);
  return id;
}

/** `?coherence=strong` waits until no partition can serve older bytes; `bounded` is the default. */
function coherenceOf(context: Context<AppTypes>): Coherence {
  const coherence = context.req.query("coherence") ?? "bounded";
  if (coherence === "strong" || coherence === "bounded") return coherence;
  throw new ProblemError("invalid-query", 'coherence: must be "strong" or "bounded"');
}

/** @throws ProblemError `length-required`, or `too-large` by the limit of the settings. */
async function contentLength(context: Context<AppTypes>): Promise<number> {
  const header = context.req.header("Content-Length");
  if (header === undefined && context.req.raw.body === null) return 0;
  if (header === undefined || !/^\d{1,15}$/.test(header))
    throw new ProblemError(
      "length-required",
      "Send the body's size in Content-Length; it is stored as it streams in.",
    );
  const length = Number(header);
  if (length <= maxBodyBytes(await settledRoutingState(context.env))) return length;
  const limit = maxBodyBytes(await confirmedRoutingState(context.env));
  if (length > limit)
    throw new ProblemError("too-large", `The body has ${length} bytes; at most ${limit} can be stored.`);
  return length;
}

const maxBodyBytes = ({ settings }: RoutingState): number => settings.settings.maxBodyBytes;

/** The SHA-256 of a `Repr-Digest` (RFC 9530), a structured dictionary such as `sha-256=:…:`. */
function expectedDigest(header: string | undefined): Uint8Array | undefined {
  if (header === undefined) return undefined;
  try {
    const digest = parseDictionary(header).get("sha-256")?.[0];
    if (digest instanceof ArrayBuffer && digest.byteLength === 32) return new Uint8Array(digest);
  } catch {
    // Falls through to the message below, which says what is expected.
  }
  throw new ProblemError(
    "invalid-header",
    'Repr-Digest: must hold a SHA-256, such as "sha-256=:<base64 of 32 bytes>:".',
  );
}

function stored(id: string, meta: ShardMeta, existed: boolean): Response {
  return Response.json(
    { id, size: meta.size, etag: meta.etag, uploaded: new Date(meta.uploaded).toISOString() },
    {
      status: existed ? 200 : 201,
      headers: {
        ETag: meta.etag,
        "Last-Modified": lastModified(meta.uploaded, Date.now()),
        "Cache-Control": "no-store",
        ...(existed ? {} : { Location: `/shards/${id.split("/").map(encodeURIComponent).join("/")}` }),
      },
    },
  );
}

/** The partition's response for the client: the stored encoding by its real name, and no way to run as a page. */
function toClient(response: Response): Response {
  const headers = new Headers(response.headers);
  const encoding = headers.get(INTERNAL_ENCODING_HEADER);
  headers.delete(INTERNAL_ENCODING_HEADER);
  if (encoding !== null) headers.set("Content-Encoding", encoding);
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Content-Security-Policy", "default-src 'none'; sandbox");
  return new Response(response.body, {
    status: response.status,
    headers,
    ...(encoding !== null && { encodeBody: "manual" as const }),
  });
}

/** Reads that need a token are for their reader alone, whatever the shard says for itself. */
function keepPrivate(headers: Headers): void {
  headers.set("Cache-Control", privateCacheControl(headers.get("Cache-Control")));
  addVary(headers, "Authorization");
}
