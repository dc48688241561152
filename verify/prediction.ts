import { join } from "node:path";
import Table from "cli-table3";
import { commandOf, notNegative, runCommand } from "../cli/command.ts";
import { readTrace } from "../simulator/read-trace.ts";
import type { PolicyReport } from "../simulator/report.ts";
import { simulate } from "../simulator/simulate.ts";
import type { Trace } from "../simulator/trace.ts";
import { byTrace, type Cell, type PeerFigure, readPeers } from "./peers.ts";
import { isMissed, type Threshold, verdict } from "./thresholds.ts";

/** Cost of a prefetch in the peers' bills. */
const PEERS_COST = 0.1;
/** Costs at which prefetching must not do harm: from nearly free to a third of a hit's worth. */
const COSTS = [0.02, 0.05, 0.1, 0.2, 0.35];
/** Traces whose clock is fine enough, next to the time a fill takes, for late prefetches to mean something. */
const TIMED_TRACES = ["nasa95", "cran12"];
/** Traces on which enough is predictable to judge probabilities by. */
const CALIBRATED_TRACES = ["nasa95", "cran12", "ormbusy16"];

const MAX_PER_CELL = 1.01;
const MAX_ON_AVERAGE = 0.85;
const MAX_ON_AVERAGE_LATE = 0.92;
const MAX_HARM = 1.005;
const MAX_CALIBRATION_ERROR = 0.05;

/** One cell's outcome. */
interface Score {
  readonly cell: Cell;
  readonly best: PeerFigure;
  readonly report: PolicyReport;
  /** Bill with slow fills ÷ best peer's, for traces that tell the time. */
  readonly lateRatio?: number;
  /** Bill with prefetching ÷ bill without, for each of COSTS. */
  readonly harm: readonly number[];
}

/** Scores Foreshard against the best peer in every cell; true when no threshold is missed. */
async function scoreboard(folder: string, fillMs: number): Promise<boolean> {
  const scores: Score[] = [];
  for (const [name, cells] of byTrace(readPeers(folder))) {
    const { trace } = await readTrace(join(folder, `${name}.csv.gz`));
    for (const cell of cells) {
      scores.push(score(trace, cell, fillMs));
      console.error(`${nameOf(cell)} done`);
    }
  }
  console.log(tableOf(scores));
  const thresholds = [
    ...cellThresholds(scores),
    ...meanThresholds(scores, fillMs),
    ...harmThresholds(scores),
    ...calibrationThresholds(scores),
  ];
  for (const threshold of thresholds.filter((one) => isMissed(one) || !one.perCell))
    console.log(verdict(threshold));
  const missed = thresholds.filter(isMissed).length;
  console.log(
    missed === 0 ? "Every threshold is met." : `${missed} of ${thresholds.length} thresholds are missed.`,
  );
  return missed === 0;
}

const score = (trace: Trace, cell: Cell, fillMs: number): Score => {
  const best = bestPeer(cell);
  const report = simulateIn(trace, cell, "foreshard", PEERS_COST, 0);
  const timed = TIMED_TRACES.includes(cell.trace);
  const late = timed ? simulateIn(trace, cell, "foreshard", PEERS_COST, fillMs).bill / best.bill : undefined;
  const harm = COSTS.map((cost) => {
    const withPrefetch = cost === PEERS_COST ? report : simulateIn(trace, cell, "foreshard", cost, 0);
    return withPrefetch.bill / simulateIn(trace, cell, "foreshard-noprefetch", cost, 0).bill;
  });
  return { cell, best, report, harm, ...(late === undefined ? {} : { lateRatio: late }) };
};

const simulateIn = (trace: Trace, cell: Cell, policy: string, cost: number, fillMs: number): PolicyReport =>
  simulate(trace, { policy, capacity: { size: cell.objects, unit: "objects" }, cost, fillMs });

/** The lowest bill of any peer that could be run for real. */
const bestPeer = ({ figures }: Cell): PeerFigure =>
  figures
    .filter(({ policy }) => policy !== "belady")
    .reduce((best, figure) => (figure.bill < best.bill ? figure : best));

const nameOf = ({ trace, percent }: Cell): string => `${trace} ${percent}%`;

const ratioOf = ({ report, best }: Score): number => report.bill / best.bill;

const geometricMean = (ratios: readonly number[]): number =>
  Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);

const cellThresholds = (scores: readonly Score[]): Threshold[] =>
  scores.map((one) => ({
    what: `bill ÷ best peer's, ${nameOf(one.cell)}`,
    measured: ratioOf(one),
    allowed: MAX_PER_CELL,
    perCell: true,
  }));

const meanThresholds = (scores: readonly Score[], fillMs: number): Threshold[] => {
  const late = scores.flatMap(({ lateRatio }) => (lateRatio === undefined ? [] : [lateRatio]));
  const thresholds: Threshold[] = [
    {
      what: `geometric mean of bill ÷ best peer's, ${scores.length} cells`,
      measured: geometricMean(scores.map(ratioOf)),
      allowed: MAX_ON_AVERAGE,
    },
  ];
  if (late.length > 0) {
    const what = `the same with fills that take ${fillMs} ms, ${late.length} cells`;
    thresholds.push({ what, measured: geometricMean(late), allowed: MAX_ON_AVERAGE_LATE });
  }
  return thresholds;
};

const harmThresholds = (scores: readonly Score[]): Threshold[] =>
  COSTS.flatMap((cost, at) => {
    const cells = scores.map(({ cell, harm }) => ({
      what: `bill with ÷ without prefetching at cost ${cost}, ${nameOf(cell)}`,
      measured: harm[at] ?? 1,
      allowed: MAX_HARM,
      perCell: true,
    }));
    const worst = Math.max(...cells.map(({ measured }) => measured));
    return [...cells, { what: `worst harm at cost ${cost}`, measured: worst, allowed: MAX_HARM }];
  });

const calibrationThresholds = (scores: readonly Score[]): Threshold[] =>
  CALIBRATED_TRACES.flatMap((trace) => {
    const errors = scores
      .filter(({ cell }) => cell.trace === trace)
      .map(({ report }) => report.calibrationError ?? Number.NaN);
    if (errors.length === 0) return [];
    return [
      { what: `calibration error, ${trace}`, measured: Math.max(...errors), allowed: MAX_CALIBRATION_ERROR },
    ];
  });

const HEAD = [
  "cell",
  "bill",
  "best peer",
  "its bill",
  "ratio",
  "late",
  "harm",
  "used",
  "Brier",
  "calibration",
  "events/s",
];

const tableOf = (scores: readonly Score[]): string => {
  const table = new Table({
    head: HEAD,
    colAligns: HEAD.map((name) => (name === "cell" || name === "best peer" ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  for (const one of scores) table.push(cellsOf(one));
  return table.toString();
};

const cellsOf = (one: Score): string[] => [
  nameOf(one.cell),
  one.report.bill.toFixed(4),
  one.best.policy,
  one.best.bill.toFixed(4),
  ratioOf(one).toFixed(3),
  one.lateRatio?.toFixed(3) ?? "–",
  Math.max(...one.harm).toFixed(3),
  one.report.prefetches === 0
    ? "–"
    : `${Math.round((100 * one.report.prefetchesUsed) / one.report.prefetches)} %`,
  one.report.brier?.toFixed(4) ?? "–",
  one.report.calibrationError?.toFixed(4) ?? "–",
  one.report.eventsPerSecond.toLocaleString("en-US"),
];

const command = commandOf(
  "verify:prediction",
  "Scores Foreshard against the best peer in TRACES/peers.csv, cell by cell.",
)
  .argument("<traces>", "folder of traces")
  .option("--fill-ms <ms>", "how long fills take in the line on late prefetches", notNegative, 60);

await runCommand(() => {
  const { fillMs } = command.parse().opts<{ fillMs: number }>();
  return scoreboard(command.args[0] ?? "", fillMs);
});
