import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import type { Bindings } from "../bindings.ts";
import { confirmedRoutingState, currentRoutingState, settledRoutingState } from "../edge/routing-state.ts";
import type { AppTypes } from "./app-types.ts";
import { addVary, editHeaders } from "./edit-headers.ts";

/** What pages may read of a response besides the few headers every page may. */
const EXPOSED = [
  "ETag",
  "Content-Range",
  "Accept-Ranges",
  "Content-Length",
  "Cache-Status",
  "Repr-Digest",
  "Server-Timing",
  "Last-Modified",
  "Age",
  "Retry-After",
].join(", ");

/**
 * Cross-origin access for the origins of the settings. Requests without an Origin pay nothing; their answers say
 * that they vary by it all the same, lest a shared cache answer a page with one that does not name it.
 */
export const withCors = createMiddleware<AppTypes>(async (context, next) => {
  const origin = context.req.header("Origin");
  const corsOrigins =
    origin === undefined
      ? currentRoutingState().settings.settings.corsOrigins
      : await allowedOrigins(context.env, origin);
  const everybody = corsOrigins.includes("*");
  if (origin !== undefined && context.req.method === "OPTIONS")
    return preflight(everybody ? "*" : [...corsOrigins])(context, next);
  await next();
  editHeaders(context, (headers) => {
    if (!everybody) addVary(headers, "Origin");
    if (origin === undefined || !(everybody || corsOrigins.includes(origin))) return;
    headers.set("Access-Control-Allow-Origin", everybody ? "*" : origin);
    headers.set("Access-Control-Expose-Headers", EXPOSED);
  });
});

/** The origins of the settings; an origin that is not among those known may be new. */
async function allowedOrigins(env: Bindings, origin: string): Promise<readonly string[]> {
  const { corsOrigins } = (await settledRoutingState(env)).settings.settings;
  if (corsOrigins.includes("*") || corsOrigins.includes(origin)) return corsOrigins;
  return (await confirmedRoutingState(env)).settings.settings.corsOrigins;
}

const preflight = (origin: "*" | string[]) =>
  cors({
    origin,
    allowMethods: ["GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS"],
    allowHeaders: [
      "Authorization",
      "Content-Type",
      "Range",
      "If-Match",
      "If-None-Match",
      "If-Modified-Since",
      "If-Unmodified-Since",
      "If-Range",
      "Cache-Control",
      "Repr-Digest",
      "Foreshard-User",
      "Foreshard-Event",
      "Foreshard-Data-Type",
    ],
    maxAge: 3_600,
  });
