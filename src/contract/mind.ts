import { z } from "zod";
import { checksumOf } from "../core/checksum.ts";
import { READ_COUNTS } from "../core/reporting/read-counts.ts";

/** To be raised when what is in a mind means something else than before: older ones are dropped then. */
const MIND_VERSION = 1;

const ints = z.custom<Int32Array>((column) => column instanceof Int32Array);
const octets = z.custom<Uint8Array>((column) => column instanceof Uint8Array);
const singles = z.custom<Float32Array>((column) => column instanceof Float32Array);
const doubles = z.custom<Float64Array>((column) => column instanceof Float64Array);
const count = z.number().nonnegative();

const areAsLong = (...columns: readonly ArrayLike<unknown>[]): boolean =>
  columns.every(({ length }) => length === columns[0]?.length);
const sumOf = (widths: Uint8Array): number => widths.reduce((sum, width) => sum + width, 0);

const mixerSchema = z.object({
  rates: singles,
  seen: z.custom<Uint16Array>((column) => column instanceof Uint16Array),
  weights: singles,
  labels: z.custom<Uint16Array>((column) => column instanceof Uint16Array),
});

const shardsSchema = z
  .object({
    texts: z.array(z.string()).readonly(),
    kinds: octets.refine((kinds) => kinds.every((kind) => kind <= 3), "no such kind"),
    counts: ints,
    ages: ints,
    gaps: ints,
    gaps2: ints,
    shortRates: singles,
    longRates: singles,
    times: doubles,
    types: ints,
    kindsSeen: octets,
    predicted: singles,
    predictedAges: ints,
  })
  .refine((shards) => areAsLong(...Object.values(shards)), "columns of different lengths");

const rowsSchema = z
  .object({
    keys: ints,
    totals: octets,
    widths: octets,
    targets: ints,
    counts: octets,
    ages: octets,
    delays: octets,
  })
  .refine(({ keys, totals, widths }) => areAsLong(keys, totals, widths), "columns of different lengths")
  .refine(
    ({ widths, targets, counts, ages, delays }) =>
      sumOf(widths) === targets.length && areAsLong(targets, counts, ages, delays),
    "targets of no row",
  );

const usersSchema = z
  .object({
    keys: doubles,
    lengths: octets,
    ages: ints,
    times: doubles,
    others: ints,
    typed: octets,
    targets: ints,
    contexts: ints,
  })
  .refine(
    ({ keys, lengths, ages, times, others, typed }) => areAsLong(keys, lengths, ages, times, others, typed),
    "columns of different lengths",
  )
  .refine(
    ({ lengths, targets, contexts }) => sumOf(lengths) === targets.length && areAsLong(targets, contexts),
    "steps of no user",
  );

/** What an engine learned, as it is stored and as partitions ask one another for it. */
const engineMindSchema = z.object({
  predictor: z.object({
    shards: shardsSchema,
    tables: z.array(rowsSchema).readonly(),
    users: usersSchema,
    mixture: z.object({ wanted: mixerSchema, urgent: mixerSchema, calibrator: singles }),
    arrival: doubles,
    kindsTell: z.number(),
    mapRates: singles,
  }),
  reuse: mixerSchema,
  pace: z.object({
    missRate: z.number(),
    gap: z.number(),
    tickMs: z.number(),
    fillMs: z.number(),
    meanSize: z.number(),
    fills: z.number(),
  }),
  victimWorth: z.number(),
  records: z.record(z.string(), z.object({ promised: z.number().positive(), kept: count })),
});

const armSchema = z.object({ requests: count, misses: count, missMillis: count, hitMillis: count });

/** What a partition keeps of itself while it is out of memory, besides its copies, its lease and its settings. */
const partitionMindSchema = z.object({
  engine: engineMindSchema,
  /** Of the experiment: what decides on pauses, and what was counted for the proof. */
  arm: z.object({
    treated: armSchema,
    control: armSchema,
    lasting: z.object({ treated: armSchema, control: armSchema }),
    prefetches: count,
    pushedOut: count,
    fadedAt: count,
    pausedUntil: count,
  }),
  counts: z.record(z.enum(READ_COUNTS), count),
  tallies: z.object({
    reportsSent: count,
    eventsDropped: count,
    evictedUnused: count,
    expired: count,
    refused: count,
    corrupt: count,
  }),
});
export type PartitionMind = z.infer<typeof partitionMindSchema>;

/** A mind as it is stored or sent: what comes back otherwise than it was is not believed. */
export interface Sealed<Content> {
  readonly version: number;
  readonly checksum: number;
  readonly content: Content;
}

export const seal = <Content>(content: Content): Sealed<Content> => ({
  version: MIND_VERSION,
  checksum: checksumOf(content),
  content,
});

const sealedSchema = z.object({
  version: z.literal(MIND_VERSION),
  checksum: z.number(),
  content: z.unknown(),
});

/** @throws ZodError or RangeError when it is of another version, or not as it was sealed. O(bytes). */
function unseal(sealed: unknown): unknown {
  const { checksum, content } = sealedSchema.parse(sealed);
  if (checksumOf(content) !== checksum) throw new RangeError("a mind was damaged");
  return content;
}

/** A partition's own mind. @throws as {@link unseal}. */
export const openMind = (sealed: unknown): PartitionMind => partitionMindSchema.parse(unseal(sealed));
/** What a sibling's engine knows. @throws as {@link unseal}. */
export const openEngineMind = (sealed: unknown): PartitionMind["engine"] =>
  engineMindSchema.parse(unseal(sealed));
