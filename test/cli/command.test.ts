import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import { describe, expect, it, vi } from "vitest";
import { address, exitCodeOf, InterruptedError, notNegative, wholeNumber } from "../../cli/command.ts";
import { UserError } from "../../simulator/user-error.ts";

const ROOT = join(import.meta.dirname, "../..");

describe("a command", () => {
  const told = async (act: () => Promise<boolean>): Promise<[number, string]> => {
    const printed = vi.spyOn(console, "error").mockReturnValue();
    try {
      return [await exitCodeOf(act), String(printed.mock.calls[0]?.[0] ?? "")];
    } finally {
      printed.mockRestore();
    }
  };

  it("reports 0 when all is well and 1 when it is not, and says nothing of its own", async () => {
    expect(await told(async () => true)).toEqual([0, ""]);
    expect(await told(async () => false)).toEqual([1, ""]);
  });

  it("tells what a person can put right in a sentence, with the exit code it has", async () => {
    expect(await told(() => Promise.reject(new UserError("Do this.")))).toEqual([1, "Do this."]);
    const refused = new UserError("Say --yes.", { exitCode: 2 });
    expect(await told(() => Promise.reject(refused))).toEqual([2, "Say --yes."]);
  });

  it("reports 130 when it was interrupted, also out of a wait", async () => {
    const interrupted = new InterruptedError("interrupted");
    expect(await told(() => Promise.reject(interrupted))).toEqual([130, "Interrupted."]);
    const wait = new Error("aborted", { cause: interrupted });
    expect(await told(() => Promise.reject(wait))).toEqual([130, "Interrupted."]);
  });

  it("tells a mistake of ours with its stack", async () => {
    const [code, text] = await told(() => Promise.reject(new TypeError("oops")));
    expect([code, text]).toEqual([1, "TypeError: oops"]);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "hears %s and puts things in order first",
    async (signal) => {
      const script = `
      import { setTimeout } from "node:timers/promises";
      import { interruption, runCommand } from "${join(ROOT, "cli/command.ts")}";
      await runCommand(async () => {
        const signal = interruption();
        console.log("ready");
        await setTimeout(60_000, undefined, { signal }).finally(() => console.log("in order"));
        return true;
      });`;
      const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
      let output = "";
      child.stdout.on("data", (chunk) => {
        output += chunk;
        if (output === "ready\n") child.kill(signal);
      });
      const [code] = await once(child, "close");
      expect([code, output]).toEqual([130, "ready\nin order\n"]);
    },
  );
});

describe("values on a command line", () => {
  it("are whole numbers within their limits", () => {
    expect(wholeNumber(1, 10)("10")).toBe(10);
    for (const text of ["0", "11", "1.5", "-1", "1e1", "", " ", "ten", "0x1"])
      expect(() => wholeNumber(1, 10)(text), text).toThrow(InvalidArgumentError);
  });

  it("are numbers from 0 up", () => {
    expect(notNegative("0.25")).toBe(0.25);
    for (const text of ["-1", "", " ", "much", "Infinity"])
      expect(() => notNegative(text), text).toThrow(InvalidArgumentError);
  });

  it("are addresses of an instance", () => {
    expect(address("https://shards.example/admin?x")).toBe("https://shards.example");
    for (const text of ["localhost:8787", "ftp://x", "", "shards"])
      expect(() => address(text), text).toThrow(InvalidArgumentError);
  });
});

it("leaves exit codes, signals and the parsing of numbers to one module, in all commands", () => {
  const own = /process\.exitCode|process\.on(ce)?\("SIG|InvalidArgumentError|new Command\(/;
  const files = ["cli", "verify", "bench"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const offenders = files.filter(
    (file) => file.endsWith(".ts") && own.test(readFileSync(join(ROOT, file), "utf8")),
  );
  expect(offenders).toEqual([join("cli", "command.ts")]);
});
