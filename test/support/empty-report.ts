import type { Report } from "../../src/contract/messages.ts";
import { noCounts } from "../../src/core/reporting/read-counts.ts";

/** The first report of a partition of weur that has nothing to tell, but for what is given. */
export const emptyReport = (more: Partial<Report> = {}): Report => ({
  partition: "g1:weur:0",
  region: "weur",
  incarnation: 1,
  sequence: 0,
  time: 1,
  names: [],
  seen: [],
  edges: [],
  rates: [],
  demand: [],
  totals: noCounts(),
  calibration: [],
  ...more,
});
