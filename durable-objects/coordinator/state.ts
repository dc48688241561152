import { z } from "zod";
import { topologySchema } from "../../src/contract/routing-state.ts";
import { countsOf } from "../../src/core/reporting/read-counts.ts";

const number = z.number();
const key = z.string();

/** Everything the coordinator stores in one document, so that model and applied reports never disagree. */
export const coordinatorStateSchema = z.object({
  model: z.object({ format: z.literal(3), data: z.string() }),
  applied: z.array(z.tuple([key, number, z.array(number)])),
  totals: z
    .array(
      z.object({
        partition: key,
        since: number,
        counts: z.record(key, number).transform((some) => countsOf((name) => some[name] ?? 0)),
      }),
    )
    .default([]),
  placement: z.record(key, z.array(key)),
  topology: topologySchema,
});
