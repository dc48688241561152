import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

/** What all but the purest layers may use besides: the names of the bindings, and the platform's time. */
const COMMON = ["type:src/bindings.ts", "src/system-clock.ts"];

/** Each layer: the folders it may import besides its own, and packages it may use. `type:` allows `import type` only. */
const LAYERS: Readonly<Record<string, { mayImport: readonly string[]; packages: readonly string[] }>> = {
  "src/core": { mayImport: [], packages: ["flatqueue"] },
  "src/contract": { mayImport: ["src/core"], packages: ["zod"] },
  "src/storage": {
    mayImport: ["src/contract", "src/core", ...COMMON],
    packages: ["itty-durable", "p-retry"],
  },
  "src/http": { mayImport: ["src/storage", "src/contract", "src/core"], packages: ["range-parser"] },
  migrations: { mayImport: ["src/storage", "src/contract", "src/core"], packages: [] },
  "durable-objects": {
    mayImport: ["src/http", "src/storage", "migrations", "src/contract", "src/core", ...COMMON],
    packages: ["cloudflare:workers", "itty-durable", "zod"],
  },
  "src/edge": {
    mayImport: ["src/http", "src/storage", "src/contract", "src/core", ...COMMON],
    packages: ["p-retry"],
  },
  "src/routes": {
    mayImport: [
      "src/edge",
      "src/http",
      "src/storage",
      "src/contract",
      "src/core",
      "src/config.ts",
      ...COMMON,
    ],
    packages: ["hono", "jose", "zod", "structured-headers"],
  },
  "src/queues": {
    mayImport: ["src/edge", "src/storage", "src/contract", "src/core", ...COMMON],
    packages: ["zod"],
  },
  "src/cron": { mayImport: ["src/edge", "src/storage", "src/contract", "src/core", ...COMMON], packages: [] },
  simulator: {
    mayImport: ["durable-objects", "migrations", "src/http", "src/storage", "src/contract", "src/core"],
    packages: ["*"],
  },
  verify: {
    mayImport: ["simulator", "cli", "durable-objects", "migrations", "src"],
    packages: ["*"],
  },
  cli: { mayImport: ["simulator", "src/contract", "src/core"], packages: ["*"] },
  bench: { mayImport: ["cli", "simulator", "src/core"], packages: ["*"] },
};

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

const sourceFiles = (folder: string): string[] => {
  try {
    return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(folder, name));
  } catch {
    return []; // A layer that has no code yet.
  }
};

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/^(import|export)\s+(type\s)?[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)/gms)].map(
    (match) => ({
      typeOnly: match[2] !== undefined || match[4] !== undefined,
      target: match[3] ?? match[4] ?? "",
    }),
  );
}

function isAllowed(file: string, { target, typeOnly }: Import, layer: (typeof LAYERS)[string]): boolean {
  if (!target.startsWith("."))
    return layer.packages.some((name) => name === "*" || target === name || target.startsWith(`${name}/`));
  const path = relative(ROOT, resolve(ROOT, dirname(file), target));
  const folder = Object.keys(LAYERS).find((name) => file.startsWith(`${name}/`)) ?? "";
  return [folder, ...layer.mayImport].some((entry) => {
    const [prefix, onlyTypes] = entry.startsWith("type:") ? [entry.slice(5), true] : [entry, false];
    return (path === prefix || path.startsWith(`${prefix}/`)) && (!onlyTypes || typeOnly);
  });
}

describe("the layers", () => {
  it.each(Object.entries(LAYERS))("%s imports only what its layer may", (folder, layer) => {
    const violations = sourceFiles(folder).flatMap((file) =>
      importsOf(file)
        .filter((used) => !isAllowed(file, used, layer))
        .map(({ target }) => `${file} imports ${target}`),
    );
    expect(violations).toEqual([]);
  });

  it("leaves nothing under src outside a layer but the composition root, its bindings, its configuration and the clock", () => {
    const loose = sourceFiles("src").filter(
      (file) => !Object.keys(LAYERS).some((layer) => file.startsWith(`${layer}/`)),
    );
    expect(loose.sort()).toEqual(["src/bindings.ts", "src/config.ts", "src/index.ts", "src/system-clock.ts"]);
  });
});

describe("the core", () => {
  it("has no clock, no randomness and no platform of its own", () => {
    const forbidden =
      /\bDate\.now\(|new Date\(\)|Math\.random\(|performance\.now\(|crypto\.|setTimeout\(|process\.|fetch\(/;
    const offenders = sourceFiles("src/core").filter((file) =>
      forbidden.test(readFileSync(join(ROOT, file), "utf8")),
    );
    expect(offenders).toEqual([]);
  });
});

describe("the repository", () => {
  it("needs no file outside of it, for any of its commands", () => {
    const files = [
      "package.json",
      "README.md",
      ...["cli", "simulator", "verify", "bench"].flatMap(sourceFiles),
    ];
    const offenders = files.filter((file) =>
      /\.\.\/shared|\/traces\//.test(readFileSync(join(ROOT, file), "utf8")),
    );
    expect(offenders).toEqual([]);
  });
});
