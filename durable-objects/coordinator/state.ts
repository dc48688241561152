import { z } from "zod";

const number = z.number();
const key = z.string();

/** Learned state as it is stored; parsed when the coordinator starts, since stored rows can be damaged or old. */
export const modelStateSchema = z.object({
  successors: z.array(
    z.tuple([
      key,
      z.tuple([number, number, number]),
      z.array(z.tuple([key, number, number, number, number])),
    ]),
  ),
  matrix: z.array(z.tuple([key, key, number, number])),
  demand: z.array(z.tuple([key, z.array(z.tuple([key, number, number, number]))])),
});

/** Everything the coordinator stores in one document, so that model and applied reports never disagree. */
export const coordinatorStateSchema = z.object({
  model: modelStateSchema,
  applied: z.array(z.tuple([key, number, z.array(number)])),
  placement: z.record(key, z.array(key)),
  topology: z.object({
    version: number,
    regions: z.record(key, z.object({ generation: number, slots: number })),
  }),
});

export type CoordinatorState = z.infer<typeof coordinatorStateSchema>;
