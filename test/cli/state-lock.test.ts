import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StateLock } from "../../cli/start/state-lock.ts";
import { UserError } from "../../simulator/user-error.ts";

const ROOT = join(import.meta.dirname, "../..");
const PORT = 45_671;

const folder = (): string => mkdtempSync(join(tmpdir(), "foreshard-"));
const lockOf = (directory: string): string => join(directory, ".wrangler/start.lock");

/** Another process that holds the lock of a folder, until it is killed. */
async function otherHolder(directory: string): Promise<ChildProcess> {
  const script = `
    import { StateLock } from "${join(ROOT, "cli/start/state-lock.ts")}";
    import { interruption, runCommand } from "${join(ROOT, "cli/command.ts")}";
    import { setTimeout } from "node:timers/promises";
    await runCommand(async () => {
      const signal = interruption();
      await StateLock.take(${JSON.stringify(directory)}, ${PORT});
      console.log("taken");
      await setTimeout(60_000, undefined, { signal });
      return true;
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  const [said] = await Promise.race([once(child.stdout, "data"), once(child.stderr, "data")]);
  expect(String(said)).toBe("taken\n");
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await once(child, "close");
}

function leave(directory: string, content: string, ageMs = 0): void {
  mkdirSync(join(directory, ".wrangler"), { recursive: true });
  writeFileSync(lockOf(directory), content);
  const at = (Date.now() - ageMs) / 1_000;
  utimesSync(lockOf(directory), at, at);
}

/** A folder with the scripts in it, as somebody has it who cloned the repository. */
function clone(): string {
  const directory = folder();
  for (const name of ["cli", "simulator", "src", "package.json", ".dev.vars.example"])
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"), "junction");
  return directory;
}

describe("npm start", () => {
  /** What it says on stderr before it gives up. */
  async function failedStart(directory: string, port: number): Promise<string> {
    const start = spawn(process.execPath, ["cli/start.ts", "--port", String(port)], { cwd: directory });
    const timer = setTimeout(() => start.kill(), 10_000);
    let said = "";
    start.stderr.on("data", (chunk) => {
      said += chunk;
    });
    const [code] = await once(start, "close");
    clearTimeout(timer);
    expect(code).toBe(1);
    expect(said).not.toMatch(/^ +at /m);
    return said;
  }

  it("refuses to start where another one runs, at whatever port", async () => {
    const directory = clone();
    const first = await otherHolder(directory);
    expect(await failedStart(directory, PORT + 1)).toContain(
      `Foreshard runs in this folder already: http://localhost:${PORT}`,
    );
    await end(first, "SIGKILL");
  });

  it("says so when the port is taken, and does not keep the folder locked", async () => {
    const directory = clone();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await failedStart(directory, port)).toContain(`Port ${port} is in use.`);
    expect(existsSync(lockOf(directory))).toBe(false);
    server.close();
  });
});

describe("the lock of a state directory", () => {
  it("refuses a second start in the same folder, and says where the first one answers", async () => {
    const directory = folder();
    const first = await otherHolder(directory);
    const second = StateLock.take(directory, PORT + 1);
    await expect(second).rejects.toThrow(UserError);
    await expect(second).rejects.toThrow(`http://localhost:${PORT} (process ${first.pid})`);
    await end(first, "SIGKILL");
  });

  it("lets folders alone that are not the same", async () => {
    const first = await otherHolder(folder());
    const lock = await StateLock.take(folder(), PORT + 1);
    lock.release();
    await end(first, "SIGKILL");
  });

  it.each(["SIGTERM", "SIGINT"] as const)("is given back at %s", async (signal) => {
    const directory = folder();
    await end(await otherHolder(directory), signal);
    expect(existsSync(lockOf(directory))).toBe(false);
  });

  it("passes on when its holder was killed", async () => {
    const directory = folder();
    await end(await otherHolder(directory), "SIGKILL");
    expect(existsSync(lockOf(directory))).toBe(true);
    const lock = await StateLock.take(directory, PORT);
    expect(JSON.parse(readFileSync(lockOf(directory), "utf8"))).toEqual({ pids: [process.pid], port: PORT });
    lock.release();
    expect(existsSync(lockOf(directory))).toBe(false);
  });

  it("is still held when its holder was killed and the runtime under it goes on", async () => {
    const directory = folder();
    const runtime = await otherHolder(folder());
    leave(directory, JSON.stringify({ pids: [2 ** 22 + 1, runtime.pid], port: PORT }));
    await expect(StateLock.take(directory, PORT)).rejects.toThrow(`(process ${runtime.pid})`);
    await end(runtime, "SIGKILL");
  });

  it("counts for nothing when it is damaged, or names a process that got its number later", async () => {
    const directory = folder();
    leave(directory, '{"pids":');
    (await StateLock.take(directory, PORT)).release();
    // The parent of this process lives, but nothing listens on the port and the file is a day old.
    leave(directory, JSON.stringify({ pids: [process.ppid], port: PORT }), 86_400_000);
    (await StateLock.take(directory, PORT)).release();
  });

  it("goes to one of many that ask at once, also when a dead one left it", async () => {
    const directory = folder();
    await end(await otherHolder(directory), "SIGKILL");
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => otherHolder(directory)));
    const holders = asked.filter((one) => one.status === "fulfilled");
    expect(holders).toHaveLength(1);
    await Promise.all(holders.map(({ value }) => end(value, "SIGKILL")));
  });
});
