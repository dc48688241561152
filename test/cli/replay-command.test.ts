import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InterruptedError } from "../../cli/command.ts";
import { askConsent, type Effects } from "../../cli/replay/consent.ts";
import { UserError } from "../../simulator/user-error.ts";
import { FakeInstance, FORMER } from "../support/fake-instance.ts";
import { csvOf, fileOf } from "../support/files.ts";

const MAIN = join(import.meta.dirname, "../../cli/replay.ts");

const trace = fileOf(csvOf("0,c,read,a,10", "1,c,read,b,20", "2,c,read,old,30", "3,c,read,a,10"), {
  name: "t.csv",
});

/** Starts a replay of the trace, as from a program: without a terminal. */
function start(url: string, ...args: string[]): ChildProcess {
  const tokens = ["--write-token", "w", "--admin-token", "a"];
  return spawn(process.execPath, [MAIN, trace, "--url", url, ...tokens, ...args]);
}

async function ended(child: ChildProcess): Promise<{ code: number; said: string }> {
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, "close");
  return { code, said };
}

describe("npm run replay", () => {
  let instance: FakeInstance;
  let url = "";
  beforeEach(async () => {
    instance = new FakeInstance();
    instance.shards.set("replay/t/old", 30);
    url = await instance.start();
  });
  afterEach(() => instance.stop());

  it("changes nothing and reports 2 when there is neither a terminal to ask at nor --yes", async () => {
    const { code, said } = await ended(start(url));
    expect(said).toContain("there is no terminal to ask at. Give --yes if it may.");
    expect(said).toContain("forget everything that is cached and learned there");
    expect(code).toBe(2);
    expect([instance.changes, instance.reads]).toEqual([[], 0]);
  });

  it("deletes the shards it stored, and no others, and puts the settings back", async () => {
    const { code } = await ended(start(url, "--yes"));
    expect(code).toBe(0);
    expect(instance.changes.filter((what) => what.startsWith("PUT /shards")).sort()).toEqual([
      "PUT /shards/replay/t/a",
      "PUT /shards/replay/t/b",
    ]);
    expect([...instance.shards.keys()]).toEqual(["replay/t/old"]);
    expect(instance.settings).toEqual(FORMER);
    expect(instance.reads).toBeGreaterThanOrEqual(4);
  });

  it("leaves its shards where it is told to keep them", async () => {
    expect((await ended(start(url, "--yes", "--keep"))).code).toBe(0);
    expect([...instance.shards.keys()].sort()).toEqual(["replay/t/a", "replay/t/b", "replay/t/old"]);
  });

  it("deletes its shards and puts the settings back when it is interrupted", async () => {
    const child = start(url, "--yes");
    const end = ended(child);
    while (instance.forgotten === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill("SIGINT");
    expect((await end).code).toBe(130);
    expect([...instance.shards.keys()]).toEqual(["replay/t/old"]);
    expect(instance.settings).toEqual(FORMER);
  });

  it("deletes its shards when it fails, also in the middle of storing them", async () => {
    instance.fails = /^POST .*forget$/;
    expect((await ended(start(url, "--yes"))).code).toBe(1);
    expect([...instance.shards.keys()]).toEqual(["replay/t/old"]);
    expect(instance.settings).toEqual(FORMER);
    instance.fails = /^PUT .*\/b$/;
    expect((await ended(start(url, "--yes"))).code).toBe(1);
    expect([...instance.shards.keys()]).toEqual(["replay/t/old"]);
  });

  it("says what is left when it cannot delete its shards", async () => {
    instance.fails = /^DELETE|forget$/;
    const { code, said } = await ended(start(url, "--yes"));
    expect(said).toMatch(/broken\nShards of the replay are still stored/);
    expect(code).toBe(1);
  });
});

describe("the question before a replay", () => {
  const effects: Effects = {
    url: "http://localhost:8787",
    change: { memoryBytes: 5, diskBytes: 0, prefetchMode: "off" },
    now: { memoryBytes: 1_000, diskBytes: 2_000, prefetchMode: "automatic" },
    prefix: "replay/t/",
    missing: { sizes: new Map([["a", 1_500]]), bytes: 1_500, own: [] },
    keep: false,
  };
  /** Asks at a terminal at which somebody types this; resolves to what was shown. */
  const typing = async (keys: string | null): Promise<string> => {
    const input = Object.assign(new PassThrough(), { isTTY: true });
    const output = Object.assign(new PassThrough(), { isTTY: true });
    let shown = "";
    output.on("data", (chunk) => {
      shown += chunk;
    });
    const asked = askConsent(effects, false, new AbortController().signal, { input, output });
    if (keys === null) input.end();
    else input.write(keys);
    await asked;
    return shown;
  };

  it("says what will be forgotten, changed, stored and overwritten, and where", async () => {
    const shown = await typing("y\n");
    expect(shown).toContain("at http://localhost:8787");
    expect(shown).toContain(
      "memoryBytes 5 (now 1,000), diskBytes 0 (now 2,000), prefetchMode off (now automatic)",
    );
    expect(shown).toContain(
      "store 1 shards of 1,500 bytes under replay/t/, 1 of them over shards of another size",
    );
  });

  it("takes yes for yes and everything else, the end of input too, for no", async () => {
    await expect(typing("YES\n")).resolves.toContain("Go on?");
    for (const keys of ["\n", "n\n", "yesterday\n", "\x04", null])
      await expect(typing(keys)).rejects.toThrow(UserError);
  });

  it("ends at Ctrl-C as interrupted", async () => {
    await expect(typing("\x03")).rejects.toThrow(InterruptedError);
  });

  it("is not asked with --yes", async () => {
    const output = Object.assign(new PassThrough(), { isTTY: false });
    const input = Object.assign(new PassThrough(), { isTTY: false });
    await askConsent(effects, true, new AbortController().signal, { input, output });
    expect(String(output.read())).not.toContain("Go on?");
  });
});
