import { join } from "node:path";
import Table from "cli-table3";
import { commandOf, runCommand } from "../cli/command.ts";
import { readTrace } from "../simulator/read-trace.ts";
import { simulate } from "../simulator/simulate.ts";
import type { Trace } from "../simulator/trace.ts";
import { byTrace, type Cell, readPeers } from "./peers.ts";

/**
 * How far our miss ratio may be from libCacheSim's. W-TinyLFU's counts are hashed, and by another hash there: in an
 * overfull sketch that alone moves the ratio by up to 0.02.
 */
const TOLERANCE: Readonly<Record<string, number>> = {
  lru: 0.005,
  arc: 0.005,
  s3fifo: 0.005,
  sieve: 0.005,
  belady: 0.005,
  wtinylfu: 0.02,
};

interface Comparison {
  readonly cell: string;
  readonly policy: string;
  readonly ours: number;
  readonly theirs: number;
  readonly tolerance: number;
}

/** Compares this simulator's policies with another's figures; true when all agree. */
async function referee(folder: string): Promise<boolean> {
  const compared: Comparison[] = [];
  for (const [name, cells] of byTrace(readPeers(folder))) {
    const { trace } = await readTrace(join(folder, `${name}.csv.gz`));
    for (const cell of cells) compared.push(...compare(trace, cell));
  }
  console.log(tableOf(compared));
  const off = compared.filter((one) => !agrees(one));
  console.log(`${compared.length - off.length} of ${compared.length} miss ratios agree with peers.csv.`);
  for (const { cell, policy, ours, theirs, tolerance } of off) {
    console.log(`${cell} ${policy}: off by ${(ours - theirs).toFixed(4)}, allowed ±${tolerance}`);
  }
  return off.length === 0;
}

const compare = (trace: Trace, cell: Cell): Comparison[] =>
  cell.figures.flatMap(({ policy, miss_ratio: theirs }) => {
    const tolerance = TOLERANCE[policy];
    if (tolerance === undefined) return [];
    const capacity = { size: cell.objects, unit: "objects" as const };
    const { missRatio: ours } = simulate(trace, { policy, capacity, cost: 0 });
    return [{ cell: `${cell.trace} ${cell.percent}%`, policy, ours, theirs, tolerance }];
  });

const agrees = ({ ours, theirs, tolerance }: Comparison): boolean => Math.abs(ours - theirs) <= tolerance;

const tableOf = (compared: readonly Comparison[]): string => {
  const policies = Object.keys(TOLERANCE);
  const table = new Table({
    head: ["ours − theirs", ...policies],
    style: { head: [], border: [], compact: true },
  });
  for (const [cell, group] of Map.groupBy(compared, (one) => one.cell)) {
    const differences = policies.map((policy) => {
      const one = group.find((comparison) => comparison.policy === policy);
      if (one === undefined) return "–";
      return `${(one.ours - one.theirs).toFixed(4)}${agrees(one) ? "" : " !"}`;
    });
    table.push([cell, ...differences]);
  }
  return table.toString();
};

const command = commandOf(
  "verify:referee",
  "Compares the simulator's policies with the figures in TRACES/peers.csv.",
).argument("<traces>", "folder of traces");

await runCommand(() => referee(command.parse().args[0] ?? ""));
