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

/** What lies in the core beside its folders, and its collections: whoever is above may import it. */
const BASICS = "basics";

/** The folders of the core from the bottom up; each may import those before it, and the basics. */
const CORE_ORDER = [
  BASICS,
  "placement",
  "routing",
  "coherence",
  "learning",
  "cache",
  "prediction",
  "prefetch",
  "engine",
];

/** Folders of the core beside that order, and all they may import. */
const CORE_BRANCHES: Readonly<Record<string, readonly string[]>> = {
  experiment: [BASICS, "reporting"],
  reporting: [BASICS, "learning"],
  correlation: [BASICS, "learning", "reporting"],
};

/** Where the repository's TypeScript is. */
const CODE = ["src", "durable-objects", "migrations", "simulator", "cli", "verify", "bench"];

/** Lines a file may have: beyond, it holds more than one idea. */
const MAX_LINES = 350;
/** Still longer, until whoever is at work on them parts them. */
const LONGER = ["test/verify/coherence.test.ts"];

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

/** The path, from the root, of what `file` imports as `target`. */
const pathOf = (file: string, target: string): string => relative(ROOT, resolve(ROOT, dirname(file), target));

/** The folder of the core that a file is in. */
const coreFolderOf = (path: string): string => {
  const [, , folder = "", inside] = path.split("/");
  return inside === undefined || folder === "collections" ? BASICS : folder;
};

const mayImportInCore = (folder: string): readonly string[] =>
  CORE_BRANCHES[folder] ?? CORE_ORDER.slice(0, CORE_ORDER.indexOf(folder));

/** Circles of imports: the strongly connected components of more than one file (Tarjan 1972). */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): number => {
    const own = order.size;
    order.set(file, own);
    lowest.set(file, own);
    stack.push(file);
    for (const next of imports.get(file) ?? []) {
      const reached = order.has(next) ? (stack.includes(next) ? (order.get(next) ?? own) : own) : visit(next);
      lowest.set(file, Math.min(lowest.get(file) ?? own, reached));
    }
    const low = lowest.get(file) ?? own;
    if (low === own) {
      const component = stack.splice(stack.indexOf(file));
      if (component.length > 1) found.push(component.sort());
    }
    return low;
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return found;
}

function isAllowed(file: string, { target, typeOnly }: Import, layer: (typeof LAYERS)[string]): boolean {
  if (!target.startsWith("."))
    return layer.packages.some((name) => name === "*" || target === name || target.startsWith(`${name}/`));
  const path = pathOf(file, target);
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

  it("has an order: each folder imports only those before it", () => {
    const violations = sourceFiles("src/core").flatMap((file) => {
      const folder = coreFolderOf(file);
      return importsOf(file)
        .filter(({ target }) => target.startsWith("."))
        .map(({ target }) => coreFolderOf(pathOf(file, target)))
        .filter((used) => used !== folder && !mayImportInCore(folder).includes(used))
        .map((used) => `${file} imports ${used}/`);
    });
    expect(violations).toEqual([]);
  });

  it("has no folder without a place in that order", () => {
    const folders = new Set(sourceFiles("src/core").map(coreFolderOf));
    expect([...folders].sort()).toEqual([...CORE_ORDER, ...Object.keys(CORE_BRANCHES)].sort());
  });
});

describe("the repository", () => {
  it("has no circle of imports, whether of types or of values", () => {
    const files = CODE.flatMap(sourceFiles);
    const imports = new Map(
      files.map((file) => [file, importsOf(file).map(({ target }) => pathOf(file, target))]),
    );
    expect(files.length).toBeGreaterThan(100);
    expect(circles(imports)).toEqual([]);
  });

  it("would notice a circle", () => {
    const imports = new Map([
      ["a", ["b"]],
      ["b", ["c", "d"]],
      ["c", ["a"]],
      ["d", ["e"]],
      ["e", []],
    ]);
    expect(circles(imports)).toEqual([["a", "b", "c"]]);
  });

  it(`has no TypeScript file of more than ${MAX_LINES} lines`, () => {
    const files = [...CODE, "test", "types"].flatMap(sourceFiles);
    const long = files
      .map((file) => ({ file, lines: readFileSync(join(ROOT, file), "utf8").split("\n").length - 1 }))
      .filter(({ file, lines }) => lines > MAX_LINES && !LONGER.includes(file))
      .map(({ file, lines }) => `${file}: ${lines}`);
    expect(long).toEqual([]);
  });
});

describe("the commands", () => {
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
