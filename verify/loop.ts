/**
 * `npm run verify:loop`: replays a trace, by default of a made-up site, in order against a running instance, its clients
 * in three regions, and holds the miss ratio against that of the same nodes in virtual time.
 */
import { address, commandOf, interruption, runCommand, wholeNumber } from "../cli/command.ts";
import { progress } from "../cli/progress.ts";
import { classify } from "../cli/replay/classify.ts";
import { Instance } from "../cli/replay/instance.ts";
import { type PlannedRequest, planReplay } from "../cli/replay/plan.ts";
import { prepared } from "../cli/replay/prepared.ts";
import { tokensOf } from "../cli/replay/tokens.ts";
import { readTrace } from "../simulator/read-trace.ts";
import { siteTrace } from "../simulator/site-trace.ts";
import { comparison, type Played } from "./loop/compare.ts";
import { PLAYED_REGIONS, regionOf } from "./loop/regions.ts";

/** The largest shard stored: replays are about what is asked for when, not about bandwidth. */
const MAX_BYTES = 65_536;
/** Each partition's memory, as a share of all bytes. */
const MEMORY_SHARE = 1 / 20;
/** How far the instance may be from the simulation, as a share of the simulation's miss ratio. */
const TOLERANCE = 0.1;
/** Long enough that no copy has to be checked during a replay. */
const FRESHNESS_SECONDS = 86_400;

const command = commandOf("verify:loop", "Holds a running instance against the simulator.")
  .argument("[file]", "a trace or an access log (default: a made-up site)")
  .option("--rows <n>", "requests to replay", wholeNumber(1), 10_000)
  .option("--rate <n>", "requests a second", wholeNumber(1), 60)
  .option("--url <url>", "the running instance", address, "http://localhost:8787")
  .option("--yes", "do not ask before the instance forgets and its settings change", false)
  .option("--keep", "leave the shards there that it stored", false);

interface LoopOptions {
  readonly rows: number;
  readonly rate: number;
  readonly url: string;
  readonly yes: boolean;
  readonly keep: boolean;
}

await runCommand(run);

async function run(): Promise<boolean> {
  const options = command.parse().opts<LoopOptions>();
  const { rows } = options;
  const [file] = command.args;
  const trace = file === undefined ? siteTrace({ rows }) : (await readTrace(file, { rows })).trace;
  const plan = planReplay(trace, MAX_BYTES);
  const requests = plan.requests.map((request, row) => ({ ...request, region: regionOf(trace.client(row)) }));
  const instance = new Instance(options.url, await tokensOf({}));
  await instance.check();
  const signal = interruption();
  const memoryBytes = Math.floor(plan.bytes * MEMORY_SHARE);
  const change = {
    memoryBytes,
    diskBytes: 0,
    prefetchMode: "automatic" as const,
    freshnessSeconds: FRESHNESS_SECONDS,
  };
  const preparing = { ...options, regions: PLAYED_REGIONS, progress: progress(), signal };
  const played = await prepared(instance, plan, change, preparing, async () => {
    const answers = await replay(instance, requests, options.rate, signal);
    signal.throwIfAborted();
    return answers;
  });
  const { table, deviation } = await comparison(plan, requests, played, change);
  console.log(table);
  const held = Math.abs(deviation) <= TOLERANCE;
  console.log(
    `${held ? "Held" : "Missed"}: ${(100 * deviation).toFixed(1)} % from the simulator; at most ±${100 * TOLERANCE} % is allowed.`,
  );
  return held;
}

/** Sends each request at its turn: in trace order, at a steady rate, a region's one after the other. */
async function replay(
  instance: Instance,
  requests: readonly PlannedRequest[],
  rate: number,
  signal: AbortSignal,
): Promise<readonly Played[]> {
  const bar = progress();
  const played: Played[] = [];
  const lastOf = new Map<string, Promise<void>>();
  const start = performance.now();
  bar.start("replaying", requests.length);
  for (const [row, request] of requests.entries()) {
    if (signal.aborted) break;
    const due = start + (row * 1_000) / rate;
    if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    const before = lastOf.get(request.region ?? "") ?? Promise.resolve();
    lastOf.set(
      request.region ?? "",
      before.then(async () => {
        const sentAt = performance.now();
        const { status, cacheStatus } = await instance.read(request);
        const outcome = classify(status, cacheStatus);
        played[row] = { sentAt, millis: performance.now() - sentAt, outcome };
        bar.at(row + 1);
      }),
    );
  }
  await Promise.all(lastOf.values());
  bar.stop();
  return played;
}
