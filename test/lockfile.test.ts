import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

interface Locked {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly deprecated?: string;
}

const text = readFileSync(resolve(import.meta.dirname, "../package-lock.json"), "utf8");
const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(text);
/** All but the project itself, whose key is empty. */
const packages = Object.entries(lock.packages).filter(([path]) => path !== "");

const namesWhere = (isWrong: (entry: Locked) => boolean): string[] =>
  packages.filter(([, entry]) => isWrong(entry)).map(([path]) => path);

describe("the lock file", () => {
  it("has an integrity for each package of each platform", () => {
    expect(packages.length).toBeGreaterThan(200);
    expect(namesWhere(({ integrity }) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ""))).toEqual([]);
  });

  it("holds the packages of all platforms, not only of the one it was written on", () => {
    const wanted = Object.values(lock.packages).flatMap(({ optionalDependencies }) =>
      Object.keys(optionalDependencies ?? {}),
    );
    expect(wanted.length).toBeGreaterThan(50);
    const held = new Set(packages.map(([path]) => path.replace(/^.*node_modules\//, "")));
    expect(wanted.filter((name) => !held.has(name))).toEqual([]);
  });

  it("names no registry", () => {
    expect(namesWhere(({ resolved }) => resolved !== undefined)).toEqual([]);
    expect(text).not.toMatch(/"(?:https?|git|ssh|file)[^"]*\.tgz"/);
  });

  it("holds no package that its authors call deprecated", () => {
    expect(namesWhere(({ deprecated }) => deprecated !== undefined)).toEqual([]);
  });
});
