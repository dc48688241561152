import type { PartitionMind } from "../../src/contract/mind.ts";
import type { PartitionParts } from "./create-partition.ts";
import type { DiskTier } from "./disk-tier.ts";
import { countsNow } from "./stats.ts";
import { type Tallies, talliesNow } from "./tallies.ts";

/** All that another instance has to know to go on from here. A few ms. */
export const mindOf = (parts: PartitionParts, before: Tallies, disk: DiskTier): PartitionMind => ({
  engine: parts.engine.save(),
  arm: parts.arm.toState(),
  counts: countsNow(parts.stats, parts.arm),
  tallies: talliesNow(before, parts, disk),
});

/**
 * Goes on from where another instance was. What it counted has been reported, so that it counts once: a mind is saved after
 * the report. Throws a RangeError, with nothing changed, when it is of an engine of other sizes.
 */
export function goOnFrom({ engine, arm, counts }: PartitionMind, parts: PartitionParts): void {
  parts.engine.absorb(engine);
  parts.arm.restore(arm);
  Object.assign(parts.stats, counts);
  parts.reporting.goOnFrom(countsNow(parts.stats, parts.arm));
}
