import { describe, expect, it } from "vitest";
import { Bench } from "./bench.ts";

const SECOND = 1_000;

/** A partition that has heard which shards are pinned. */
async function pinning(settings: ConstructorParameters<typeof Bench>[0] = {}) {
  const bench = new Bench({ pinned: ["p/1"], ...settings });
  await bench.put("p/1", "one");
  await bench.put("other", "bytes");
  await bench.read("other");
  await bench.pass(SECOND);
  return bench;
}
const held = ({ partition }: Bench) => {
  const { memory, disk, decision } = partition.explain("p/1");
  return { memory: memory?.etag, disk, reason: decision?.reason };
};
const etagOf = async ({ truth }: Bench) => (await truth.head("p/1"))?.etag;

describe("a pinned shard", () => {
  it("is fetched through the gate by a partition that hears of it, and kept on disk", async () => {
    const bench = await pinning();
    expect(held(bench)).toEqual({ memory: await etagOf(bench), disk: false, reason: "placement" });
    await bench.pass(10 * SECOND);
    expect(held(bench).disk).toBe(true);
    const asked = bench.asked.length;
    expect((await bench.read("p/1")).text).toBe("one");
    expect(bench.asked.length).toBe(asked);
  });

  it("is not fetched again after the loss of memory while it is on disk", async () => {
    const bench = await pinning();
    await bench.pass(10 * SECOND);
    bench.evict();
    bench.asked.length = 0;
    await bench.read("other");
    await bench.pass(5 * SECOND);
    expect(bench.asked.length).toBeLessThanOrEqual(1);
    expect(held(bench)).toMatchObject({ memory: undefined, disk: true });
  });

  it.each(["strong", "bounded"])("is fetched again when a %s write dropped it", async (coherence) => {
    const bench = await pinning();
    await bench.pass(10 * SECOND);
    const meta = await bench.put("p/1", "two");
    const change = { shard: "p/1", etag: meta?.etag, version: meta?.version, uploaded: meta?.uploaded ?? 0 };
    if (coherence === "strong") await bench.run(bench.coordinator.announceStrong([change]));
    else bench.partition.hear(bench.coordinator.announceBounded([change]).logged);
    await bench.pass(SECOND);
    expect(held(bench).memory).toBe(meta?.etag);
    expect((await bench.read("p/1")).cache).toBe("Foreshard; hit; detail=prefetched");
  });

  it("is fetched again when an eviction took it, with the next heartbeat", async () => {
    const bench = await pinning({ memoryBytes: 20_000, diskBytes: 0 });
    for (let i = 0; i < 80; i++) {
      await bench.put(`fill/${i}`, "x".repeat(3_000));
      for (let reads = 0; reads < 3; reads++) await bench.read(`fill/${i}`);
    }
    expect(held(bench).memory).toBeUndefined();
    await bench.pass(11 * SECOND);
    await bench.read("other");
    await bench.pass(SECOND);
    expect(held(bench).memory).toBe(await etagOf(bench));
  });

  it("that does not exist is asked for once, not over and over", async () => {
    const bench = new Bench({ pinned: ["p/none"] });
    await bench.put("other", "bytes");
    for (let i = 0; i < 6; i++) {
      await bench.read("other");
      await bench.pass(11 * SECOND);
    }
    expect(bench.asked.length).toBeLessThanOrEqual(3);
  });

  it("is left alone while prefetching is off", async () => {
    expect(held(await pinning({ prefetchMode: "off" })).memory).toBeUndefined();
  });
});
