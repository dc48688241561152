import { describe, expect, it } from "vitest";
import { LEASE_TERM } from "../../src/core/coherence/lease.ts";
import type { PrefetchReason } from "../../src/core/prefetch/prefetch.ts";
import { Bench } from "./bench.ts";

const SECOND = 1_000;
const IDS = Array.from({ length: 20 }, (_, i) => `w/${i}`);

/** A partition whose copies are on disk, and whose memory went. */
async function cold(): Promise<Bench> {
  const bench = new Bench();
  for (const id of IDS) await bench.put(id, id, { cacheControl: "max-age=3600" });
  for (let round = 0; round < 2; round++) for (const id of IDS) await bench.read(id);
  await bench.pass(15 * SECOND);
  expect(bench.partition.status().disk.shards).toBe(IDS.length);
  bench.evict();
  bench.asked.length = 0;
  return bench;
}

function propose(bench: Bench, ids: readonly string[], reason: PrefetchReason): void {
  const now = bench.clock.now();
  const proposals = ids.map((shard) => ({
    shard,
    probability: 0.8,
    arrival: now,
    expires: now + 600 * SECOND,
  }));
  bench.partition.prefetch(proposals, reason);
}

const inMemory = (bench: Bench): number => bench.partition.status().memory.shards;

describe.each(["scan", "placement"] as const)("what %s proposes and SQLite has", (reason) => {
  it("is taken from there, without a read of the storage, and none is counted", async () => {
    const bench = await cold();
    const { prefetchesIssued } = bench.partition.status().counts;
    propose(bench, IDS, reason);
    await bench.pass(SECOND);
    expect([inMemory(bench), bench.asked]).toEqual([IDS.length, []]);
    expect((await bench.read("w/3")).cache).toBe("Foreshard; hit");
    expect(bench.partition.status().counts.prefetchesIssued).toBe(prefetchesIssued);
  });

  it("is left where it is while there is no lease to serve it under", async () => {
    const bench = await cold();
    bench.coordinatorAnswers = false;
    await bench.pass(LEASE_TERM);
    propose(bench, IDS, reason);
    await bench.pass(SECOND);
    expect([inMemory(bench), bench.asked]).toEqual([0, []]);
  });

  it("is taken when the lease that was asked for has come", async () => {
    const bench = await cold();
    bench.heartbeatTakes = 50;
    await bench.pass(LEASE_TERM);
    propose(bench, IDS, reason);
    await bench.pass(SECOND);
    expect([inMemory(bench), bench.asked]).toEqual([IDS.length, []]);
  });

  it("is not kept when it changed while it was loaded", async () => {
    const bench = await cold();
    bench.digestTakes = 200;
    propose(bench, ["w/1"], reason);
    await bench.pass(100);
    const meta = await bench.put("w/1", "new");
    const change = { shard: "w/1", etag: meta?.etag, version: meta?.version, uploaded: meta?.uploaded ?? 0 };
    bench.partition.invalidate([change]);
    await bench.pass(SECOND);
    expect(bench.partition.explain("w/1").memory).toBeNull();
    expect((await bench.read("w/1")).text).toBe("new");
  });

  it("serves a reader who comes while it is loaded", async () => {
    const bench = await cold();
    bench.digestTakes = 200;
    propose(bench, ["w/2"], reason);
    await bench.pass(100);
    expect((await bench.read("w/2")).text).toBe("w/2");
    expect(bench.asked).toEqual([]);
  });
});

it("what is not on disk is proposed at the full price, and read from the storage", async () => {
  const bench = await cold();
  await bench.put("w/new", "new");
  propose(bench, ["w/new"], "scan");
  await bench.pass(SECOND);
  expect(bench.asked).toEqual(["get"]);
});
