import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readPeers } from "../../verify/peers.ts";

const folderWith = (content: string): string => {
  const folder = mkdtempSync(join(tmpdir(), "foreshard-"));
  writeFileSync(join(folder, "peers.csv"), content);
  return folder;
};

const HEADER = "trace,cache_percent,cache_objects,policy,miss_ratio,prefetches_per_request,bill";

it("gathers the peers' figures by trace and cache size", () => {
  const rows = ["a,1,17,lru,0.6,0,0.6", "a,1,17,arc,0.5,0,0.5", "a,5,86,lru,0.3,0,0.3"];
  const cells = readPeers(folderWith([HEADER, ...rows].join("\n")));
  expect(
    cells.map(({ trace, percent, objects, figures }) => [trace, percent, objects, figures.length]),
  ).toEqual([
    ["a", 1, 17, 2],
    ["a", 5, 86, 1],
  ]);
});

it("says what to do without a table of peers, or with a broken one", () => {
  expect(() => readPeers("/no/such/folder")).toThrow(/Name the folder that holds the traces/);
  expect(() => readPeers(folderWith(`${HEADER}\na,one,17,lru,0.6,0,0.6`))).toThrow(/is no table of peers/);
});
