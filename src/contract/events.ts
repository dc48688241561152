import { z } from "zod";
import { REGIONS, type Region } from "../core/placement/regions.ts";
import { shardIdSchema } from "./ids.ts";

export const MAX_EVENTS = 1_000;
export const MAX_EVENTS_BYTES = 256 * 1_024;

const printable = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, "must not contain control characters")
    .refine((text) => text.isWellFormed(), "must be valid Unicode");

export const eventTypeSchema = printable(64);
export const dataTypeSchema = printable(64);
export const userSchema = printable(256);

/** An event as a caller sends it. */
export const eventInputSchema = z.strictObject({
  type: eventTypeSchema,
  shard: shardIdSchema.optional(),
  user: userSchema.optional(),
  /** ISO 8601 or ms since the epoch; now when absent. */
  time: z
    .union([z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)), z.int().nonnegative()])
    .optional(),
  dataType: dataTypeSchema.optional(),
  /** Outside development the caller's own, if it is given. */
  region: z.enum(REGIONS).optional(),
});
export type EventInput = z.infer<typeof eventInputSchema>;

export const eventsSchema = z.array(eventInputSchema).max(MAX_EVENTS);

/** An event on its way to a partition, with its user, time and region filled in. */
export type PartitionEvent = Omit<EventInput, "time" | "user" | "region"> & {
  readonly time: number;
  readonly user: string;
  readonly region: Region;
};
