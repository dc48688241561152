import { z } from "zod";

const number = z.number();
const key = z.string();

/** Everything the coordinator stores in one document, so that model and applied reports never disagree. */
export const coordinatorStateSchema = z.object({
  model: z.object({ format: z.literal(1), data: z.string() }),
  applied: z.array(z.tuple([key, number, z.array(number)])),
  placement: z.record(key, z.array(key)),
  topology: z.object({
    version: number,
    regions: z.record(key, z.object({ generation: number, slots: number })),
  }),
});
