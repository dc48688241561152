import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { unstable_readConfig } from "wrangler";
import { z } from "zod";
import { messageOf, UserError } from "../../simulator/user-error.ts";

const consumerSchema = z.object({
  queue: z.string(),
  max_batch_size: z.number().optional(),
  max_batch_timeout: z.number().optional(),
  max_retries: z.number().optional(),
  dead_letter_queue: z.string().optional(),
});

/** What is read of `wrangler.toml`. */
const configSchema = z.object({
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()).default([]),
  r2_buckets: z.array(z.object({ binding: z.string(), bucket_name: z.string() })),
  queues: z.object({
    producers: z.array(z.object({ binding: z.string(), queue: z.string() })).optional(),
    consumers: z.array(consumerSchema).optional(),
  }),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
});

/** The tokens of the test's writers, and of whoever sets it up. */
export const WRITE_TOKEN = "crash-test-write";
export const ADMIN_TOKEN = "crash-test-admin";

/**
 * Builds the Worker into `directory`, and writes there what miniflare needs to serve it from `state`; returns that
 * file's path. Bindings, queues and classes are those of `wrangler.toml`, without its rate limits: the workload is a
 * flood on purpose.
 */
export async function build(
  root: string,
  directory: string,
  state: string,
  signal: AbortSignal,
): Promise<string> {
  const output = join(directory, "worker");
  const wrangler = join(
    dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
    "bin/wrangler.js",
  );
  try {
    await promisify(execFile)(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", output], {
      cwd: root,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
      signal,
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw new UserError(`the Worker does not build: ${messageOf(cause)}`, { cause });
  }
  const config = configSchema.parse(unstable_readConfig({ config: join(root, "wrangler.toml") }));
  const file = join(directory, "options.json");
  const options = {
    rootPath: output,
    modulesRoot: output,
    modules: await modulesIn(output),
    host: "127.0.0.1",
    port: 0,
    cf: false,
    resourcePersistencePath: state,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    r2Buckets: Object.fromEntries(config.r2_buckets.map((bucket) => [bucket.binding, bucket.bucket_name])),
    queueProducers: Object.fromEntries(
      (config.queues.producers ?? []).map(({ binding, queue }) => [binding, queue]),
    ),
    queueConsumers: Object.fromEntries((config.queues.consumers ?? []).map(consumerOf)),
    durableObjects: Object.fromEntries(
      config.durable_objects.bindings.map(({ name, class_name }) => [
        name,
        { className: class_name, useSQLite: true },
      ]),
    ),
    // Development allows the region header, so that one machine plays several regions.
    bindings: { FORESHARD_ENV: "development", WRITE_TOKENS: WRITE_TOKEN, ADMIN_TOKENS: ADMIN_TOKEN },
  };
  await writeFile(file, JSON.stringify(options));
  return file;
}

/** The Worker's main module first, then the texts it imports. */
async function modulesIn(output: string): Promise<readonly { type: string; path: string }[]> {
  const texts = (await readdir(output)).filter((name) => name.endsWith(".sql"));
  return [
    { type: "ESModule", path: join(output, "index.js") },
    ...texts.map((name) => ({ type: "Text", path: join(output, name) })),
  ];
}

type Consumer = z.infer<typeof consumerSchema>;

function consumerOf({ queue, max_batch_size, max_batch_timeout, max_retries, dead_letter_queue }: Consumer) {
  const options = {
    maxBatchSize: max_batch_size,
    maxBatchTimeout: max_batch_timeout,
    maxRetries: max_retries,
    deadLetterQueue: dead_letter_queue,
  };
  return [queue, options] as const;
}
