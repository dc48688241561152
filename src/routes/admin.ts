import { Hono } from "hono";
import { z } from "zod";
import type { Bindings } from "../bindings.ts";
import { shardIdSchema } from "../contract/ids.ts";
import { describeZodError, ProblemError } from "../contract/problems.ts";
import type { CoordinatorOverview } from "../contract/rpc.ts";
import { settingsPatchSchema } from "../contract/settings.ts";
import { estimate, proofCounts } from "../core/experiment/control-arm.ts";
import { REGIONS, RUNS_IN } from "../core/placement/regions.ts";
import { addCounts, noCounts, type ReadCounts } from "../core/reporting/read-counts.ts";
import { parsePartitionName } from "../core/routing/route.ts";
import { learnRoutingState } from "../edge/routing-state.ts";
import { settingsStore } from "../storage/settings-store.ts";
import { adminPage } from "./admin-page.ts";
import type { AppTypes } from "./app-types.ts";
import { authorize } from "./authorize.ts";
import { PAGE_STYLE } from "./page-style.ts";

/** `/admin`: the page and its numbers as JSON. All of it needs an admin token. */
export const adminRoutes = new Hono<AppTypes>();

adminRoutes.use(async (context, next) => {
  await authorize(context.req.raw, "admin", context.var.config);
  await next();
  context.header("Cache-Control", "no-store");
});

adminRoutes.onError((error) => {
  if (error instanceof ProblemError) throw error;
  console.error("admin: the coordinator or the settings did not answer", error.name);
  throw new ProblemError("overloaded", "The coordinator or the settings object does not answer; try again.", {
    "Retry-After": "5",
  });
});

const coordinatorOf = (env: Bindings) => env.COORDINATOR.getByName("main");

/** Every registered partition's numbers, those that last with it; one that does not answer is shown as such. */
async function partitionStatuses(env: Bindings, { members, totals }: CoordinatorOverview) {
  return Promise.all(
    members.map(async ({ partition: name }) => {
      const lasting = totals.find(({ partition }) => partition === name);
      const total = { since: lasting?.since ?? null, counts: lasting?.counts ?? noCounts() };
      try {
        return { ...(await env.PARTITION.getByName(name).status()), total, available: true as const };
      } catch {
        return { partition: name, total, available: false as const };
      }
    }),
  );
}

adminRoutes.get("/", async (context) => {
  const [overview, settings] = await Promise.all([
    coordinatorOf(context.env).overview(),
    settingsStore(context.env.SETTINGS).read(),
  ]);
  const partitions = await partitionStatuses(context.env, overview);
  return context.html(adminPage({ partitions, overview, settings, now: Date.now() }), 200, {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  });
});

adminRoutes.get("/style.css", (context) => context.body(PAGE_STYLE, 200, { "Content-Type": "text/css" }));

adminRoutes.get("/api/partitions", async (context) =>
  context.json({
    partitions: await partitionStatuses(context.env, await coordinatorOf(context.env).overview()),
  }),
);

adminRoutes.get("/api/correlations", async (context) => {
  const { correlations, surges } = await coordinatorOf(context.env).overview();
  return context.json({ correlations, surges });
});

adminRoutes.get("/api/map", async (context) => {
  const { probabilityMap } = await coordinatorOf(context.env).overview();
  return context.json({ map: probabilityMap });
});

adminRoutes.get("/api/learning", async (context) => {
  const { rates, outcomes, calibration, scans } = await coordinatorOf(context.env).overview();
  return context.json({ rates, outcomes, calibration, scans });
});

adminRoutes.get("/api/prefetches", async (context) => {
  const names = await coordinatorOf(context.env).members();
  const prefetches = await Promise.all(
    names.map(async (partition) => ({
      partition,
      prefetches: await context.env.PARTITION.getByName(partition).prefetches(),
    })),
  );
  return context.json({ prefetches });
});

adminRoutes.get("/api/placement", async (context) => {
  const { placement } = await coordinatorOf(context.env).overview();
  return context.json({ placement });
});

adminRoutes.get("/api/topology", async (context) => {
  const { topology, members } = await coordinatorOf(context.env).overview();
  return context.json({
    topology,
    members,
    regions: REGIONS.map((region) => ({ region, runsIn: RUNS_IN[region] })),
  });
});

adminRoutes.get("/api/dead-letters", async (context) => {
  const { deadLetters } = await coordinatorOf(context.env).overview();
  return context.json({ deadLetters });
});

adminRoutes.get("/api/settings", async (context) =>
  context.json(await settingsStore(context.env.SETTINGS).read()),
);

adminRoutes.put("/api/settings", async (context) => {
  const body: unknown = await context.req.json().catch(() => {
    throw new ProblemError(
      "invalid-settings",
      "The body is not JSON. Send an object of the settings to change.",
    );
  });
  const patch = settingsPatchSchema.safeParse(body);
  if (!patch.success) throw new ProblemError("invalid-settings", describeZodError(patch.error));
  const settings = await settingsStore(context.env.SETTINGS).update(patch.data);
  learnRoutingState({ settings });
  await coordinatorOf(context.env).settingsChanged(settings);
  return context.json(settings);
});

adminRoutes.get("/api/proof", async (context) => {
  const [{ outcomes }, { settings }] = await Promise.all([
    coordinatorOf(context.env).overview(),
    settingsStore(context.env.SETTINGS).read(),
  ]);
  const proofOf = (counts: ReadCounts) => ({
    counts: proofCounts(counts),
    estimate: estimate(proofCounts(counts), settings),
  });
  return context.json({
    total: proofOf(outcomes.map(({ counts }) => counts).reduce(addCounts, noCounts())),
    regions: outcomes.map(({ region, counts }) => ({ region, ...proofOf(counts) })),
  });
});

const explainQuery = z.object({
  shard: shardIdSchema,
  partition: z.string().refine((name) => parsePartitionName(name) !== null, "must look like g1:weur:0"),
});

adminRoutes.get("/api/explain", async (context) => {
  const query = explainQuery.safeParse(context.req.query());
  if (!query.success) throw new ProblemError("invalid-query", describeZodError(query.error));
  const { shard, partition } = query.data;
  // Asking must not create an object: only registered partitions can hold anything.
  if (!(await coordinatorOf(context.env).members()).includes(partition))
    throw new ProblemError(
      "not-found",
      `No partition ${partition} is registered; see /admin/api/partitions.`,
    );
  return context.json(await context.env.PARTITION.getByName(partition).explain(shard));
});

adminRoutes.post("/api/forget", async (context) => {
  await coordinatorOf(context.env).forget();
  return context.json({ forgotten: true });
});

adminRoutes.post("/api/rebalance", async (context) =>
  context.json({ moves: await coordinatorOf(context.env).rebalance() }),
);
