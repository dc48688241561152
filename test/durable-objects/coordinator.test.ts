import { describe, expect, it } from "vitest";
import type { Report } from "../../src/contract/messages.ts";
import { countsOf } from "../../src/core/reporting/read-counts.ts";
import { emptyReport } from "../support/empty-report.ts";
import { Bench } from "./bench.ts";

/** What one sendBatch takes. */
const MAX_BATCH_BYTES = 256_000;
const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
const longId = (i: number): string => `${"x".repeat(240)}/${i}`;

function reportOf(bench: Bench): Report {
  const names = Array.from({ length: 100 }, (_, i) => `s:${longId(i)}`);
  return emptyReport({
    time: bench.clock.now(),
    names,
    seen: names.map((_, i): [number, number] => [i, 20]),
    demand: names.map((_, i): [number, number] => [i, 20]),
  });
}

const beat = (bench: Bench, slot: number) =>
  bench.coordinator.heartbeat({
    partition: `g1:weur:${slot}`,
    region: "weur",
    incarnation: 1,
    settingsVersion: 1,
    topologyVersion: 0,
    mapVersion: 0,
  });

describe("warming many shards of long ids in many partitions", () => {
  it("goes out in batches the queue takes, every message whole", async () => {
    const bench = new Bench();
    for (let slot = 0; slot < 12; slot++) await beat(bench, slot);
    bench.coordinator.applyReports([reportOf(bench)]);
    bench.batches.length = 0;
    await bench.coordinator.rebalance();
    for (const batch of bench.batches) {
      expect(bytesOf(batch)).toBeLessThanOrEqual(MAX_BATCH_BYTES);
      for (const { body } of batch) expect(bytesOf(body)).toBeLessThanOrEqual(64_000);
    }
    const warmed = bench.batches.flat().filter(({ body }) => body.reason === "placement");
    for (let slot = 0; slot < 12; slot++) {
      const shards = warmed.flatMap(({ body }) =>
        body.partition === `g1:weur:${slot}` ? body.prefetches.map(({ shard }) => shard) : [],
      );
      expect(new Set(shards).size).toBe(100);
    }
  });

  it("is tried again by the next round when the queue did not take it", async () => {
    const bench = new Bench();
    await beat(bench, 0);
    bench.coordinator.applyReports([reportOf(bench)]);
    bench.queueTakes = false;
    await expect(bench.coordinator.rebalance()).rejects.toThrow("the queue is away");
    expect(bench.coordinator.overview().placement).toEqual({});
    bench.queueTakes = true;
    const [move] = await bench.coordinator.rebalance();
    expect(move?.warm).toHaveLength(100);
    expect(bench.coordinator.overview().placement.weur).toHaveLength(100);
  });
});

describe("a partition that came back cold", () => {
  it("is warmed by a later scan when the queue did not take the first one's messages", async () => {
    const bench = new Bench();
    bench.coordinator.applyReports([reportOf(bench)]);
    bench.queueTakes = false;
    await beat(bench, 0);
    await bench.pass(1_000);
    bench.queueTakes = true;
    await bench.pass(60_000);
    bench.coordinator.alarm();
    await bench.pass(1_000);
    const scanned = bench.batches.flat().filter(({ body }) => body.reason === "scan");
    expect(scanned.map(({ body }) => body.partition)).toContain("g1:weur:0");
  });
});

describe("what partitions counted", () => {
  it("outlives their memory, and counts once at the coordinator", async () => {
    const bench = new Bench();
    await bench.put("t/1", "bytes", { cacheControl: "immutable" });
    for (let i = 0; i < 5; i++) await bench.read("t/1");
    await bench.pass(10);
    await bench.housekeep();
    bench.coordinator.applyReports(bench.reports.splice(0));
    await bench.pass(1_000);
    bench.evict();
    expect(bench.partition.status().counts.reads).toBe(5);
    for (let i = 0; i < 2; i++) await bench.read("t/1");
    await bench.pass(10);
    await bench.housekeep();
    bench.coordinator.applyReports(bench.reports.splice(0));
    const [total] = bench.coordinator.overview().totals;
    expect(total?.counts).toMatchObject({ reads: 7, misses: 1, hits: 6, diskHits: 1, treatedRequests: 7 });
  });

  it("is counted once, and not lost, when a report could not be sent", async () => {
    const bench = new Bench();
    await bench.put("t/2", "bytes", { cacheControl: "immutable" });
    bench.queueTakes = false;
    bench.reportsTaken = false;
    for (let i = 0; i < 3; i++) await bench.read("t/2");
    await bench.pass(10);
    await bench.housekeep();
    bench.reportsTaken = true;
    await bench.read("t/2");
    await bench.pass(10);
    await bench.housekeep();
    bench.coordinator.applyReports(bench.reports);
    bench.coordinator.applyReports(bench.reports);
    expect(bench.coordinator.overview().totals[0]?.counts.reads).toBe(4);
  });

  it("travels by name, so that an older partition's report counts what it knows", () => {
    expect(countsOf((name) => ({ reads: 2 })[name as "reads"] ?? 0)).toMatchObject({ reads: 2, late: 0 });
  });
});

describe("settings", () => {
  it("that are older than those known are not taken", async () => {
    const bench = new Bench();
    const newer = { version: 5, settings: { ...bench.settings, freshnessSeconds: 7 } };
    bench.coordinator.settingsChanged(newer);
    bench.coordinator.settingsChanged({ version: 4, settings: bench.settings });
    expect((await bench.coordinator.routingState()).settings).toEqual(newer);
  });
});
