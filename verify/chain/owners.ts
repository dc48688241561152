import { join } from "node:path";
import { readTrace } from "../../simulator/read-trace.ts";
import { siteTrace } from "../../simulator/site-trace.ts";
import type { Trace } from "../../simulator/trace.ts";
import {
  type ReplayResult,
  readsOf,
  replay,
  shardIdOf,
  type TimedRead,
} from "../../simulator/world/replay.ts";
import type { ChainCheck, ChainFinding } from "./check.ts";

const SLOTS = 4;
/** Misses of the slots ÷ misses of one cache as large as all of them. */
const MAX_RATIO = 1.1;
/** Reads of the busiest slot ÷ those of the mean. */
const MAX_LOAD = 1.5;
const OBJECT_BYTES = 1_024;
const NEVER_STALE = 86_400;
const REGIONS = ["weur"] as const;
/** Traces, and the share of their objects that a slot holds. */
const TRACES = [
  { name: "nasa95", share: 0.01, rows: 30_300 },
  // A third of it, since all would take five minutes.
  { name: "cran12", share: 0.02, rows: 20_000 },
] as const;

/** Shards are spread over slots, so that these hold together what one cache of their size would. */
export const OWNERS: ChainCheck = {
  name: "shards are spread over slots",
  run: async (traces) => {
    const cells =
      traces === undefined ? [siteCell()] : await Promise.all(TRACES.map((cell) => cellOf(traces, cell)));
    const findings: ChainFinding[] = [];
    for (const cell of cells) findings.push(await held(cell));
    return [...findings, await oneClient()];
  },
};

interface Cell {
  readonly trace: Trace;
  readonly share: number;
}

const siteCell = (): Cell => ({ trace: siteTrace({ rows: 10_000 }), share: 0.02 });

async function cellOf(folder: string, { name, share, rows }: (typeof TRACES)[number]): Promise<Cell> {
  return { trace: (await readTrace(join(folder, `${name}.csv.gz`), { rows })).trace, share };
}

async function held({ trace, share }: Cell): Promise<ChainFinding> {
  const perSlot = Math.max(1, Math.floor(trace.objects.length * share));
  const reads = readsOf(trace, REGIONS);
  const several = missRatio(await play(reads, trace, SLOTS, perSlot));
  const one = missRatio(await play(reads, trace, 1, SLOTS * perSlot));
  return {
    what: `${trace.name}, ${trace.length.toLocaleString("en")} reads, four slots of ${100 * share} % of the objects: misses ÷ those of one cache of four times the size`,
    measured: `${percent(several)} ÷ ${percent(one)} = ${(several / one).toFixed(3)}`,
    bar: `at most ${MAX_RATIO}`,
    held: several <= MAX_RATIO * one,
  };
}

const missRatio = ({ misses, requests }: ReplayResult): number => misses / requests;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function play(
  reads: readonly TimedRead[],
  trace: Trace,
  slots: number,
  objects: number,
): Promise<ReplayResult> {
  const shards = new Map(trace.objects.map((object) => [shardIdOf(object), OBJECT_BYTES]));
  return replay(reads, shards, {
    regions: REGIONS,
    slots,
    deltas: true,
    reasons: ["predicted"],
    storageTakes: 30,
    settings: { memoryBytes: objects * OBJECT_BYTES, diskBytes: 0, freshnessSeconds: NEVER_STALE },
  });
}

/** One client reads many shards. */
async function oneClient(): Promise<ChainFinding> {
  const ids = Array.from({ length: 2_000 }, (_, i) => `tiles/9/${i % 50}/${Math.floor(i / 50)}`);
  const reads = ids.map((id, i) => ({ at: 20 * i, region: REGIONS[0], id, user: "one", eventType: "read" }));
  const { load } = await replay(reads, new Map(ids.map((id) => [id, OBJECT_BYTES])), {
    regions: REGIONS,
    slots: SLOTS,
    deltas: false,
    reasons: ["predicted"],
    storageTakes: 30,
    settings: { diskBytes: 0 },
  });
  const most = Math.max(...load.values()) / (reads.length / SLOTS);
  return {
    what: "one client reads 2,000 shards of four slots: reads of the busiest slot ÷ the mean",
    measured: most.toFixed(2),
    bar: `at most ${MAX_LOAD}`,
    held: most <= MAX_LOAD,
  };
}
