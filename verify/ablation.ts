/**
 * `npm run verify:ablation`: what each part of the shared model adds. Traces are split by region and played through the
 * production nodes in virtual time, whose partitions lose their memory again and again; one part is left out at a time.
 */
import { join } from "node:path";
import Table from "cli-table3";
import { commandOf, runCommand, wholeNumber } from "../cli/command.ts";
import { readTrace } from "../simulator/read-trace.ts";
import { billOf, type ReplayOptions, readsOf, replay, shardIdOf } from "../simulator/world/replay.ts";
import { MODEL_PARTS, type ModelPart } from "../src/core/correlation/shared-model.ts";
import { REGIONS } from "../src/core/placement/regions.ts";
import { regionOfCountry } from "./ablation/countries.ts";

/** Every object takes as much: the caches are counted in objects. */
const OBJECT_BYTES = 1_024;
/** Long enough that no copy has to be checked: this is about prefetching. */
const NEVER_STALE = 86_400;

/** How each trace is split: by a hash of the client, or by the client's country. */
const TRACES = [
  { file: "nasa95.csv.gz", regions: ["weur", "enam"] as const },
  { file: "cran12.csv.gz", regions: REGIONS, regionOf: regionOfCountry },
];

type Variant = Pick<ReplayOptions, "deltas" | "reasons" | "without">;
const whole = (without: readonly ModelPart[]): Variant => ({
  deltas: true,
  reasons: ["predicted", "scan"],
  without,
});
const VARIANTS: ReadonlyMap<string, Variant> = new Map([
  ["everything", whole([])],
  ...MODEL_PARTS.map((part) => [`without ${part}`, whole([part])] as const),
  ["without scans", { deltas: true, reasons: ["predicted"] }],
  ["without slices", { deltas: false, reasons: ["predicted", "scan"] }],
  ["without the shared model", { deltas: false, reasons: ["predicted"] }],
]);

const command = commandOf("verify:ablation", "Shows what each part of the shared model adds.")
  .argument("<folder>", "a folder with nasa95.csv.gz and cran12.csv.gz")
  .option("--rows <n>", "requests of each trace", wholeNumber(1), 15_000)
  .option("--objects <percent>", "objects a partition holds, of all", wholeNumber(1), 5)
  .option("--minutes <n...>", "how often memory is lost", ["10", "30"])
  .option("--only <text>", "only variants whose name contains this");

await runCommand(run);

async function run(): Promise<boolean> {
  const options = command.parse().opts<{ rows: number; objects: number; minutes: string[]; only?: string }>();
  const { rows, objects, minutes, only = "" } = options;
  const cells = TRACES.flatMap((trace) => minutes.map((often) => ({ ...trace, often: Number(often) })));
  const table = new Table({
    head: ["bill", ...cells.map(({ file, often }) => `${file.split(".")[0]}, ${often} min`)],
    style: { head: [], border: [] },
  });
  for (const [name, variant] of VARIANTS) {
    if (!name.includes(only)) continue;
    const row = [name];
    for (const cell of cells) {
      const file = join(command.args[0] ?? "", cell.file);
      row.push((await play(file, { ...cell, rows, objects }, variant)).toFixed(4));
    }
    table.push(row);
    console.error(row.join("  "));
  }
  console.log(table.toString());
  return true;
}

type Cell = (typeof TRACES)[number] & {
  readonly often: number;
  readonly rows: number;
  readonly objects: number;
};

async function play(file: string, cell: Cell, variant: Variant): Promise<number> {
  const { regions, regionOf, often, rows, objects } = cell;
  const { trace } = await readTrace(file, { rows });
  const capacity = Math.max(1, Math.floor((trace.objects.length * objects) / 100));
  const reads = readsOf(trace, regions).map((read) =>
    regionOf === undefined ? read : { ...read, region: regionOf(read.user) },
  );
  const result = await replay(
    reads,
    new Map(trace.objects.map((object) => [shardIdOf(object), OBJECT_BYTES])),
    {
      regions,
      ...variant,
      memoryLostEvery: often * 60_000,
      storageTakes: 30,
      settings: { memoryBytes: capacity * OBJECT_BYTES, diskBytes: 0, freshnessSeconds: NEVER_STALE },
    },
  );
  return billOf(result);
}
