import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { unstable_readConfig } from "wrangler";
import { z } from "zod";

const ROOT = join(import.meta.dirname, "..");

/** What an operator sets besides `wrangler.toml`: secrets, and what is off unless it is set. */
const SET_BY_OPERATORS = [
  "READ_TOKENS",
  "WRITE_TOKENS",
  "EVENT_TOKENS",
  "ADMIN_TOKENS",
  "ACCESS_TEAM_DOMAIN",
  "ACCESS_AUD",
];

const named = z.array(z.object({ name: z.string() }));
const bindings = z.array(z.object({ binding: z.string() }));
const configSchema = z.object({
  durable_objects: z.object({ bindings: named }),
  r2_buckets: bindings,
  queues: z.object({ producers: bindings }),
  ratelimits: named,
  vars: z.record(z.string(), z.unknown()),
});

it("names in its bindings' type what wrangler.toml binds, and what operators set", () => {
  const source = readFileSync(join(ROOT, "src/bindings.ts"), "utf8");
  const typed = [...source.matchAll(/^ {2}readonly ([A-Z_]+)\??:/gm)].map(([, name]) => name ?? "");
  const config = configSchema.parse(unstable_readConfig({ config: join(ROOT, "wrangler.toml") }));
  const bound = [
    ...config.durable_objects.bindings.map(({ name }) => name),
    ...config.r2_buckets.map(({ binding }) => binding),
    ...config.queues.producers.map(({ binding }) => binding),
    ...config.ratelimits.map(({ name }) => name),
    ...Object.keys(config.vars),
    ...SET_BY_OPERATORS,
  ];
  expect(typed.toSorted()).toEqual(bound.toSorted());
});
