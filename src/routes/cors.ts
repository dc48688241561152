import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import type { AppTypes } from "./app.ts";
import { settledEdgeState } from "./edge-state.ts";

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
];

/** Cross-origin access for the origins of the settings. Requests without an Origin pay nothing. */
export const withCors = createMiddleware<AppTypes>(async (context, next) => {
  if (context.req.header("Origin") === undefined) return next();
  const { corsOrigins } = (await settledEdgeState(context.env)).settings.settings;
  return cors({
    origin: corsOrigins.includes("*") ? "*" : [...corsOrigins],
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
    exposeHeaders: EXPOSED,
    maxAge: 3_600,
  })(context, next);
});
