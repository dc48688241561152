import { Hono } from "hono";
import { parseConfig } from "../config.ts";
import { ProblemError, problemResponse } from "../contract/problems.ts";
import { problemOf } from "../http/failures.ts";
import { adminRoutes } from "./admin.ts";
import type { AppTypes } from "./app-types.ts";
import { withCors } from "./cors.ts";
import { docRoutes } from "./docs.ts";
import { eventRoutes } from "./events.ts";
import { limitLogins } from "./rate-limit.ts";
import { withAdminHeaders, withSecurityHeaders } from "./security-headers.ts";
import { shardRoutes } from "./shards.ts";

/** Frames of an unexpected error that are logged: enough to find the place. */
const LOGGED_FRAMES = 6;

/** The HTTP surface, one file a resource. */
export const app = new Hono<AppTypes>();

app.use(async (context, next) => {
  context.set("config", parseConfig(context.env));
  await next();
});

app.use(withSecurityHeaders);
app.use("/shards/*", withCors);
app.use("/events", withCors);
app.use("/admin/*", withAdminHeaders);
app.use("/admin/*", limitLogins);

app.get("/healthz", (context) => context.json({ status: "ok" }, 200, { "Cache-Control": "no-store" }));
app.route("/", docRoutes);
app.route("/shards", shardRoutes);
app.route("/events", eventRoutes);
app.route("/admin", adminRoutes);

app.notFound((context) =>
  problemResponse(
    new ProblemError(
      "not-found",
      `Nothing answers ${context.req.method} ${context.req.path}. Shards are under /shards/{id}.`,
    ),
  ),
);

app.onError((error) => {
  const problem = problemOf(error);
  if (problem !== null) return problemResponse(problem);
  console.error("edge: a request failed", error.name, framesOf(error));
  return problemResponse(new ProblemError("internal", "The request failed; try again."));
});

/** Where an error was thrown, without its message: that may quote what a client sent. */
const framesOf = (error: Error): string =>
  (error.stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .slice(0, LOGGED_FRAMES)
    .map((line) => line.trim())
    .join(" < ");
