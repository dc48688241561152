import type { ControlArm } from "../../src/core/experiment/control-arm.ts";
import { noCounts, type ReadCounter, type ReadCounts } from "../../src/core/reporting/read-counts.ts";

/** What a partition counts since it was loaded or told to forget. What lasts is in the coordinator, by its reports. */
export interface Stats extends ReadCounter {
  reportsSent: number;
}

export const newStats = (): Stats => ({ ...noCounts(), reportsSent: 0 });

/** The counts of now, those of the control arm's experiment included. */
export const countsNow = ({ reportsSent: _, ...counts }: Stats, { lasting }: ControlArm): ReadCounts => ({
  ...counts,
  treatedRequests: lasting.treated.requests,
  treatedMisses: lasting.treated.misses,
  treatedMissMillis: lasting.treated.missMillis,
  treatedHitMillis: lasting.treated.hitMillis,
  controlRequests: lasting.control.requests,
  controlMisses: lasting.control.misses,
  controlMissMillis: lasting.control.missMillis,
  controlHitMillis: lasting.control.hitMillis,
});
