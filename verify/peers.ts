import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { z } from "zod";
import { UserError } from "../simulator/user-error.ts";

const Row = z.object({
  trace: z.string(),
  cache_percent: z.coerce.number(),
  cache_objects: z.coerce.number(),
  policy: z.string(),
  miss_ratio: z.coerce.number(),
  prefetches_per_request: z.coerce.number(),
  bill: z.coerce.number(),
});

/** What another simulator measured for one policy on one trace at one cache size, each object one unit. */
export type PeerFigure = z.infer<typeof Row>;

/** A trace at a cache size: what the figures of all policies are compared within. */
export interface Cell {
  readonly trace: string;
  readonly percent: number;
  /** Capacity in objects. */
  readonly objects: number;
  readonly figures: readonly PeerFigure[];
}

/** Reads `peers.csv` from a folder of traces, a cell for each trace and cache size in it. */
export function readPeers(folder: string): readonly Cell[] {
  const path = join(folder, "peers.csv");
  const rows = z.array(Row).safeParse(parse(contentOf(path), { columns: true }));
  if (!rows.success) throw new UserError(`${path} is no table of peers: ${z.prettifyError(rows.error)}`);
  return [...Map.groupBy(rows.data, cellName).values()].map(cellOf);
}

/** Cells of each trace, so that a trace is read once for all of them. */
export const byTrace = (cells: readonly Cell[]): Map<string, Cell[]> =>
  Map.groupBy(cells, (cell) => cell.trace);

const cellName = (figure: PeerFigure): string => `${figure.trace} ${figure.cache_percent}`;

const cellOf = (figures: PeerFigure[]): Cell => {
  const [first] = figures;
  if (first === undefined) throw new Error("a group has at least one member");
  return { trace: first.trace, percent: first.cache_percent, objects: first.cache_objects, figures };
};

const contentOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UserError(`${path} cannot be read. Name the folder that holds the traces and peers.csv.`, {
      cause,
    });
  }
};
