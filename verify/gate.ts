/**
 * `npm run verify:gate`: two regions that lose their memory every ten minutes, as production nodes in virtual time. What
 * scans propose must not make the bill worse than what partitions know by the map alone.
 */
import Table from "cli-table3";
import { commandOf, runCommand, wholeNumber } from "../cli/command.ts";
import { readTrace } from "../simulator/read-trace.ts";
import { siteTrace } from "../simulator/site-trace.ts";
import type { Trace } from "../simulator/trace.ts";
import { billOf, type ReplayOptions, readsOf, replay, shardIdOf } from "../simulator/world/replay.ts";
import type { PrefetchReason } from "../src/core/prefetch/prefetch.ts";

/** Bill of scans and deltas together ÷ bill of deltas alone. */
const MAX_RATIO = 1.005;
/** Every object takes as much: the caches are counted in objects. */
const OBJECT_BYTES = 1_024;
/** Long enough that no copy has to be checked: this is about prefetching. */
const NEVER_STALE = 86_400;
const REGIONS = ["weur", "enam"] as const;

/** What is let through on the way between the nodes. */
const VARIANTS: Readonly<
  Record<string, { deltas: boolean; reasons: readonly PrefetchReason[]; off?: boolean }>
> = {
  "prefetching off": { deltas: false, reasons: [], off: true },
  "own predictions": { deltas: false, reasons: ["predicted"] },
  "with the map's deltas": { deltas: true, reasons: ["predicted"] },
  "with deltas and scans": { deltas: true, reasons: ["predicted", "scan"] },
};

const command = commandOf("verify:gate", "Holds what scans add against what the map's deltas alone come to.")
  .argument("[file]", "a trace or an access log (default: a made-up site)")
  .option("--rows <n>", "requests to replay", wholeNumber(1), 30_000)
  .option("--objects <percent>", "objects a partition holds, of all", wholeNumber(1), 5)
  .option("--minutes <n>", "how often memory is lost", wholeNumber(1), 10);

interface GateOptions {
  readonly rows: number;
  readonly objects: number;
  readonly minutes: number;
}

await runCommand(run);

async function run(): Promise<boolean> {
  const options = command.parse().opts<GateOptions>();
  const { rows } = options;
  const [file] = command.args;
  const trace = file === undefined ? siteTrace({ rows }) : (await readTrace(file, { rows })).trace;
  const table = new Table({
    head: [trace.name, "bill", "misses", "prefetches", "used"],
    colAligns: ["left", "right", "right", "right", "right"],
    style: { head: [], border: [] },
  });
  const bills: number[] = [];
  for (const [name, variant] of Object.entries(VARIANTS)) {
    const result = await playVariant(trace, options, variant);
    bills.push(billOf(result));
    const { misses, prefetches, prefetchesUsed } = result;
    table.push([name, billOf(result).toFixed(4), misses, prefetches, prefetchesUsed]);
    console.error(`${name}: done`);
  }
  console.log(table.toString());
  const ratio = (bills.at(-1) ?? 0) / (bills.at(-2) ?? 1);
  const held = ratio <= MAX_RATIO;
  console.log(
    `${held ? "Held" : "Missed"}: scans and deltas ÷ deltas alone is ${ratio.toFixed(4)}; at most ${MAX_RATIO}.`,
  );
  return held;
}

function playVariant(
  trace: Trace,
  { objects, minutes }: GateOptions,
  { deltas, reasons, off = false }: { deltas: boolean; reasons: readonly PrefetchReason[]; off?: boolean },
) {
  const capacity = Math.max(1, Math.floor((trace.objects.length * objects) / 100));
  const options: ReplayOptions = {
    regions: REGIONS,
    deltas,
    reasons,
    memoryLostEvery: minutes * 60_000,
    storageTakes: 30,
    settings: {
      memoryBytes: capacity * OBJECT_BYTES,
      diskBytes: 0,
      freshnessSeconds: NEVER_STALE,
      prefetchMode: off ? "off" : "automatic",
    },
  };
  const shards = new Map(trace.objects.map((object) => [shardIdOf(object), OBJECT_BYTES]));
  return replay(readsOf(trace, REGIONS), shards, options);
}
