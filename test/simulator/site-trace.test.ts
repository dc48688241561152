import { describe, expect, it } from "vitest";
import { siteTrace } from "../../simulator/site-trace.ts";
import type { Trace } from "../../simulator/trace.ts";
import { PLAYED_REGIONS, regionOf } from "../../verify/loop/regions.ts";

const ROWS = 10_000;
const site = siteTrace({ rows: ROWS });

const rowsOf = (trace: Trace) =>
  Array.from({ length: trace.length }, (_, row) => ({
    time: trace.time(row),
    client: trace.client(row),
    eventType: trace.eventType(row),
    object: trace.object(row),
    bytes: trace.bytes(row),
  }));

const rows = rowsOf(site);

/** Each visitor's requests, in order. */
const byClient = [...Map.groupBy(rows, ({ client }) => client).values()];

describe("the trace of a made-up site", () => {
  it("is the same for the same seed, another for another, and its first rows are those of a longer one", () => {
    expect(rowsOf(siteTrace({ rows: ROWS }))).toEqual(rows);
    expect(rowsOf(siteTrace({ rows: 500 }))).toEqual(rows.slice(0, 500));
    expect(rowsOf(siteTrace({ rows: 500, seed: 2 }))).not.toEqual(rows.slice(0, 500));
  });

  it("has as many requests as asked for, in order, with whole times and an own size for each object", () => {
    expect(site.length).toBe(ROWS);
    expect(rows.every(({ time }, row) => Number.isInteger(time) && time >= (rows[row - 1]?.time ?? 0))).toBe(
      true,
    );
    expect(new Set(rows.map(({ object, bytes }) => `${object} ${bytes}`)).size).toBe(site.objects.length);
  });

  it("has many visitors at a time in each of the regions that are played", () => {
    const regions = Map.groupBy(rows, ({ client }) => regionOf(client));
    expect([...regions.keys()].sort()).toEqual([...PLAYED_REGIONS].sort());
    for (const own of regions.values()) expect(own.length).toBeGreaterThan(ROWS / 10);
    expect(new Set(rows.slice(1_000, 1_100).map(({ client }) => client)).size).toBeGreaterThan(10);
  });

  it("leads from a page to its parts", () => {
    for (const own of byClient)
      for (const [at, { object }] of own.entries()) {
        const page = /^pages\/(\d+)/.exec(object)?.[1];
        const next = own[at + 2]?.object ?? "";
        if (page !== undefined && next.startsWith("parts/")) expect(next).toMatch(`parts/${page}/`);
      }
  });

  it("plays the segments of a film in sequence", () => {
    let followed = 0;
    for (const own of byClient)
      for (const [at, { object }] of own.entries()) {
        const [, film, segment] = /^films\/(\d+)\/(\d+)/.exec(object) ?? [];
        if (film === undefined || Number(segment) === 0) continue;
        expect(own[at - 1]?.object).toBe(`films/${film}/${String(Number(segment) - 1).padStart(5, "0")}.ts`);
        followed++;
      }
    expect(followed).toBeGreaterThan(ROWS / 10);
  });

  it("pans over neighbouring tiles", () => {
    for (const own of byClient)
      for (const [at, { object, time }] of own.entries()) {
        const [, x, y] = (/^tiles\/5\/(\d+)\/(\d+)/.exec(object) ?? []).map(Number);
        const before = own[at - 1];
        const [, beforeX, beforeY] = (/^tiles\/5\/(\d+)\/(\d+)/.exec(before?.object ?? "") ?? []).map(Number);
        if (x === undefined || y === undefined || beforeX === undefined || beforeY === undefined) continue;
        if (time - (before?.time ?? 0) <= 21)
          expect(Math.abs(x - beforeX) + Math.abs(y - beforeY)).toBeLessThan(2);
      }
  });

  it("has a few popular pages, and new ones until the end", () => {
    const opened = rows.filter(({ eventType }) => eventType === "open").map(({ object }) => object);
    const counts = [...Map.groupBy(opened, (object) => object).values()].map((all) => all.length);
    const top = counts.sort((a, b) => b - a).slice(0, counts.length / 10);
    expect(top.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(opened.length * 0.3);
    const newest = (half: readonly string[]) =>
      Math.max(...half.map((object) => Number(/\d+/.exec(object)?.[0])));
    const middle = opened.length / 2;
    expect(newest(opened.slice(middle))).toBeGreaterThan(newest(opened.slice(0, middle)));
  });
});
