import { Hono } from "hono";
import { ProblemError, problemResponse } from "../contract/problems.ts";
import { type Config, type Env, parseConfig } from "../env.ts";
import { StorageUnavailableError } from "../storage/shard-store.ts";
import { adminRoutes } from "./admin.ts";
import { withCors } from "./cors.ts";
import { refreshEdgeState } from "./edge-state.ts";
import { eventRoutes } from "./events.ts";
import { shardRoutes } from "./shards.ts";

export interface AppTypes {
  Bindings: Env;
  Variables: { config: Config };
}

/** The HTTP surface, one file a resource. */
export const app = new Hono<AppTypes>();

app.use(async (context, next) => {
  context.set("config", parseConfig(context.env));
  await next();
  refreshEdgeState(context.env, context.executionCtx);
});

app.use("/shards/*", withCors);
app.use("/events", withCors);

app.get("/healthz", (context) => context.json({ status: "ok" }, 200, { "Cache-Control": "no-store" }));
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
  if (error instanceof ProblemError) return problemResponse(error);
  if (error instanceof StorageUnavailableError)
    return problemResponse(
      new ProblemError("storage-unavailable", "The storage did not answer; try again in a moment.", {
        "Retry-After": "1",
      }),
    );
  console.error("edge: a request failed", error.name, error.message);
  return problemResponse(new ProblemError("internal", "The request failed; try again."));
});
