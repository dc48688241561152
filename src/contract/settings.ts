import { z } from "zod";
import { shardIdSchema } from "./ids.ts";

/** What R2 takes in one PUT through a Worker on common plans. */
const MAX_BODY = 100 * 1_048_576;
/** All of an isolate is 128 MB; objects of one class may share it. */
const MAX_MEMORY = 96 * 1_048_576;
/** The platform's limit for one object's SQLite is 10 GB; stay well under it. */
const MAX_DISK = 8 * 1_073_741_824;

/** The settings travel to their object in a header. */
const MAX_PINNED_CHARACTERS = 8_000;

/** What an operator can change while Foreshard runs. Small and rarely written; its defaults are the product's. */
export const settingsSchema = z.strictObject({
  prefetchMode: z
    .enum(["automatic", "threshold", "off"])
    .describe("automatic: fetch what is worth its price; threshold: fetch above prefetchThreshold; off")
    .default("automatic"),
  prefetchThreshold: z
    .number()
    .min(0)
    .max(1)
    .describe("the least probability that is fetched in threshold mode")
    .default(0.25),
  prefetchCost: z
    .number()
    .min(0)
    .max(10)
    .describe("price of one prefetch read, as a share of what one hit saves; used in automatic mode")
    .default(0.1),
  dollarsPerMillionReads: z
    .number()
    .min(0)
    .max(1_000)
    .describe("what a million storage reads cost; turns what prefetching saves into money")
    .default(0.36),
  prefetchConcurrency: z
    .int()
    .min(1)
    .max(6)
    .describe("prefetches a partition has under way at once; 6 is the platform's limit of open connections")
    .default(4),
  prefetchesPerMinute: z
    .int()
    .min(0)
    .max(1_000_000)
    .describe("the most prefetches a partition starts in a minute")
    .default(6_000),
  memoryBytes: z
    .int()
    .min(0)
    .max(MAX_MEMORY)
    .describe("bytes of shards a partition holds in memory")
    .default(32 * 1_048_576),
  diskBytes: z
    .int()
    .min(0)
    .max(MAX_DISK)
    .describe("bytes of shards a partition holds in its SQLite; 0 turns that tier off")
    .default(1_073_741_824),
  cacheableBytes: z
    .int()
    .min(0)
    .max(32 * 1_048_576)
    .describe("larger shards pass through uncached")
    .default(8 * 1_048_576),
  maxBodyBytes: z
    .int()
    .min(1)
    .max(MAX_BODY)
    .describe("the largest shard that can be written")
    .default(MAX_BODY),
  freshnessSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .describe("how long a copy is served before R2 is asked whether it changed unannounced")
    .default(300),
  staleIfErrorSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .describe("how long after its freshness a copy may be served while R2 does not answer")
    .default(300),
  corsOrigins: z
    .array(z.string().min(1).max(256))
    .max(32)
    .describe('origins whose pages may read shards, such as https://example.com; ["*"] for all')
    .default([]),
  warmShardsPerRegion: z
    .int()
    .min(0)
    .max(2_000)
    .describe("the most shards that placement warms in one region")
    .default(200),
  pinned: z
    .array(shardIdSchema)
    .max(100)
    .refine(
      (ids) => ids.join("").length <= MAX_PINNED_CHARACTERS,
      "the ids together must stay under 8,000 characters",
    )
    .describe("shards that every partition in use keeps a copy of, whatever their demand")
    .default([]),
});

export type Settings = z.infer<typeof settingsSchema>;

/** A change of some settings; the others stay. */
export const settingsPatchSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(settingsSchema.shape).map(([name, field]) => [name, field.removeDefault().optional()]),
  ),
);

export type SettingsPatch = z.infer<typeof settingsPatchSchema>;

export const DEFAULT_SETTINGS: Settings = settingsSchema.parse({});

const documentSchema = z.record(z.string(), z.unknown());

/**
 * The settings in a document that another version may have written. What is not known here, or not valid, is ignored
 * and named, key by key: after a rollback or in the middle of a deployment the rest must go on counting.
 */
export function readSettings(stored: unknown): {
  readonly settings: Settings;
  readonly ignored: readonly string[];
} {
  const document = documentSchema.catch({}).parse(stored);
  const valid = Object.fromEntries(
    Object.entries(settingsSchema.shape)
      .filter(([name, field]) => field.safeParse(document[name]).success)
      .map(([name]) => [name, document[name]]),
  );
  return {
    settings: settingsSchema.parse(valid),
    ignored: Object.keys(document).filter((name) => !Object.hasOwn(valid, name)),
  };
}

/** Settings as they travel: the version grows with each change, so that receivers can ignore older ones. */
export const versionedSettingsSchema = z.object({
  version: z.int().min(0),
  settings: documentSchema.transform((document) => readSettings(document).settings),
});

export type VersionedSettings = z.infer<typeof versionedSettingsSchema>;

/** The settings as their object answers them, with the stored keys that do not count. */
export const storedSettingsSchema = versionedSettingsSchema.extend({
  ignored: z.array(z.string()).readonly(),
});

export type StoredSettings = z.infer<typeof storedSettingsSchema>;
