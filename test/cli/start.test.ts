import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { awaitAnswer, type Starting } from "../../cli/start/await-answer.ts";
import { demoShards } from "../../cli/start/demo-shards.ts";
import { ensureDevVars, firstToken, readDevVars } from "../../cli/start/dev-vars.ts";
import { NoiseFilter } from "../../cli/start/noise-filter.ts";
import { portFault } from "../../cli/start/port.ts";
import { shardIdFault } from "../../src/contract/ids.ts";

const EXAMPLE = join(import.meta.dirname, "../../.dev.vars.example");

describe("the variables of a first start", () => {
  let directory = "";
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "foreshard-"));
    await writeFile(join(directory, ".dev.vars.example"), await readFile(EXAMPLE));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("are random tokens that only their owner can read", async () => {
    expect(await readDevVars(directory)).toEqual({});
    expect(await ensureDevVars(directory)).toBe(true);
    const variables = await readDevVars(directory);
    expect(Object.keys(variables).sort()).toEqual([
      "ADMIN_TOKENS",
      "EVENT_TOKENS",
      "FORESHARD_ENV",
      "WRITE_TOKENS",
    ]);
    expect(variables.FORESHARD_ENV).toBe("development");
    const tokens = [variables.WRITE_TOKENS, variables.EVENT_TOKENS, variables.ADMIN_TOKENS];
    for (const token of tokens) expect(token).toMatch(/^[\w-]{32}$/);
    expect(new Set(tokens).size).toBe(3);
    if (process.platform !== "win32")
      expect((await stat(join(directory, ".dev.vars"))).mode & 0o777).toBe(0o600);
  });

  it("stay as they are at the next start", async () => {
    await writeFile(join(directory, ".dev.vars"), "ADMIN_TOKENS= mine , old\n");
    expect(await ensureDevVars(directory)).toBe(false);
    expect(firstToken((await readDevVars(directory)).ADMIN_TOKENS)).toBe("mine");
  });
});

describe("demo shards", () => {
  it("are a map of four zoom levels and a chunked array, with valid ids and the same bytes each time", () => {
    const shards = demoShards();
    expect(shards.filter(({ id }) => id.startsWith("demo/tiles/"))).toHaveLength(1 + 4 + 16 + 64);
    expect(shards.filter(({ id }) => id.startsWith("demo/array/c/"))).toHaveLength(16);
    for (const { id } of shards) expect(shardIdFault(id)).toBeNull();
    expect(new Set(shards.map(({ id }) => id)).size).toBe(shards.length);
    expect(demoShards()).toEqual(shards);
  });

  it("hold an array whose chunks have the size that its metadata says", () => {
    const shards = new Map(demoShards().map((shard) => [shard.id, shard]));
    const metadata = JSON.parse(new TextDecoder().decode(shards.get("demo/array/zarr.json")?.body));
    const [rows, columns] = metadata.chunk_grid.configuration.chunk_shape;
    expect(shards.get("demo/array/c/3/3")?.body.byteLength).toBe(4 * rows * columns);
  });
});

describe("a port", () => {
  it("that is taken is told with a way out, and one that is free is not", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      }),
    );
    expect(await portFault(port)).toContain(`npm start -- --port ${port + 1}`);
    await new Promise((resolve) => server.close(resolve));
    expect(await portFault(port)).toBeNull();
  });
});

describe("a start", () => {
  const patience = { startMs: 300, afterErrorMs: 100, pollMs: 5 };
  const answersAfter =
    (millis: number, began = performance.now()) =>
    async (): Promise<boolean> =>
      performance.now() - began >= millis;
  const never = async (): Promise<boolean> => false;
  const runtime = (erredAt: number | null = null, running = true): Starting => ({ running, erredAt });

  it("succeeds when the runtime answers, also soon after it told of an error", async () => {
    expect(await awaitAnswer(runtime(), answersAfter(50), patience)).toBeNull();
    expect(await awaitAnswer(runtime(performance.now()), answersAfter(50), patience)).toBeNull();
  });

  it("fails when the runtime tells of an error and does not answer for a while after it", async () => {
    const began = performance.now();
    expect(await awaitAnswer(runtime(began), never, patience)).toBe("the local runtime reported an error");
    expect(performance.now() - began).toBeLessThan(patience.startMs);
  });

  it("fails when the runtime ends, or takes too long", async () => {
    expect(await awaitAnswer(runtime(null, false), never, patience)).toBe("the local runtime ended");
    expect(await awaitAnswer(runtime(), never, patience)).toMatch(/^nothing answered within/);
  });
});

describe("wrangler's output", () => {
  const shown = (text: string): string[] => {
    const filter = new NoiseFilter();
    return text.split("\n").filter((line) => filter.shows(line));
  };

  it("is kept away while all is well", () => {
    const text = `
 ⛅️ wrangler 4.156.2 (update available 4.164.0)
──────────────────────────────────────────────
Using secrets defined in .dev.vars
Your Worker has access to the following bindings:
Binding                                     Resource                  Mode
env.PARTITION (Partition)                   Durable Object            local

\u001b[33m▲ \u001b[43;33m[\u001b[43;30mWARNING\u001b[43;33m]\u001b[0m \u001b[1mScheduled Workers are not automatically triggered during local development.\u001b[0m

  To manually trigger a scheduled event, run:
    curl "http://localhost:8911/cdn-cgi/local/scheduled"
[wrangler:warn] Unable to fetch the \`Request.cf\` object! Falling back to a default placeholder...
Error: getaddrinfo ENOTFOUND workers.cloudflare.com
    at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:123:26)
⎔ Starting local server...
[wrangler:info] Ready on http://localhost:8911
[wrangler:info] GET /healthz 200 OK (35ms)
[wrangler:info] GET /shards/x 404 Not Found (6ms)
[wrangler:info] QUEUE foreshard-changes 8/8 (4ms)`;
    expect(shown(text).filter((line) => line !== "")).toEqual([]);
  });

  it("is shown when something fails, with its details", () => {
    const text = `⎔ Reloading local server...
✘ [ERROR] Build failed with 1 error:

  ✘ [ERROR] Expected ";" but found "x"
[wrangler:info] GET /shards/x 500 Internal Server Error (6ms)
[wrangler:info] QUEUE foreshard-changes 3/8 (4ms)
partition: a read failed TypeError`;
    expect(shown(text)).toEqual(text.split("\n").slice(1));
  });
});
