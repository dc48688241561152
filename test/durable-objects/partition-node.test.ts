import { describe, expect, it } from "vitest";
import { LEASE_TERM } from "../../src/core/coherence/lease.ts";
import { Bench } from "./bench.ts";

const SECOND = 1_000;
const LONG = { cacheControl: "max-age=3600" };
const NO_CACHE = { bypass: true };

/** A partition that holds a shard, under a lease. */
async function warm(id: string, kept: { cacheControl?: string } = LONG) {
  const bench = new Bench();
  await bench.put(id, "one", kept);
  await bench.read(id);
  await bench.pass(SECOND);
  return bench;
}

/** The change that a strong write announces. */
async function rewrite(bench: Bench, id: string, body: string, kept = LONG) {
  const meta = await bench.put(id, body, kept);
  return { shard: id, etag: meta?.etag, version: meta?.version, uploaded: meta?.uploaded ?? 0 };
}

const isOnDisk = ({ host }: Bench, id: string) => host.call((node) => node.explain(id).disk);

/** Reads a second time, so that housekeeping writes the copy to disk. */
async function onDisk(id: string) {
  const bench = await warm(id);
  await bench.read(id);
  await bench.pass(10 * SECOND);
  expect(await isOnDisk(bench, id)).toBe(true);
  return bench;
}

describe("a copy", () => {
  it("is dated from the beginning of its fetch", async () => {
    const bench = new Bench();
    await bench.put("a", "one", LONG);
    await bench.read("warm-up");
    bench.storageTakes = 4.5 * SECOND;
    await bench.read("a");
    const { headers, cache } = await bench.read("a");
    expect([cache, headers.get("Age")]).toEqual(["Foreshard; hit", "4"]);
  });

  it("is not kept when its headers forbid it", async () => {
    const bench = await warm("a", { cacheControl: "no-store" });
    const { memory } = await bench.host.call((node) => node.status());
    expect(memory.shards).toBe(0);
  });

  it("is not kept when its shard changed during its fetch, and those who come later do not see it", async () => {
    const bench = await warm("warm-up");
    await bench.put("a", "one", LONG);
    bench.storageTakes = 500;
    const first = bench.ask("a");
    await bench.pass(100);
    const change = await rewrite(bench, "a", "two");
    await bench.host.call((node) => node.invalidate([change]));
    expect((await bench.run(first)).text).toBe("one");
    expect((await bench.read("a")).text).toBe("two");
  });

  it("gets the headers of now when the same bytes were stored again", async () => {
    const bench = await warm("a", { cacheControl: "max-age=1" });
    await rewrite(bench, "a", "one", { cacheControl: "no-store" });
    await bench.pass(2 * SECOND);
    const { headers, cache } = await bench.read("a");
    expect([headers.get("Cache-Control"), cache]).toEqual(["no-store", "Foreshard; fwd=stale"]);
    expect((await bench.host.call((node) => node.explain("a"))).memory).toBeNull();
  });

  it("of a read that asked for no-cache is not kept with headers that were announced to be old", async () => {
    const bench = await warm("a");
    await rewrite(bench, "a", "one", { cacheControl: "max-age=1800" });
    bench.storageTakes = 500;
    const asking = bench.ask("a", NO_CACHE);
    await bench.pass(100);
    const change = await rewrite(bench, "a", "one", { cacheControl: "no-store" });
    await bench.host.call((node) => node.invalidate([change]));
    await bench.run(asking);
    expect((await bench.host.call((node) => node.explain("a"))).memory).toBeNull();
  });

  it("is served stale when the storage fails only while the lease is valid", async () => {
    const bench = await warm("a", { cacheControl: "max-age=1" });
    bench.coordinatorAnswers = false;
    bench.storageFails = true;
    await bench.pass(5 * SECOND);
    const stale = await bench.read("a");
    expect([stale.status, stale.cache]).toEqual([200, "Foreshard; hit; detail=stale-if-error"]);
    await bench.pass(LEASE_TERM);
    expect((await bench.read("a")).status).toBe(503);
  });
});

describe("an absence", () => {
  it("is remembered for ten seconds, and no longer", async () => {
    const bench = await warm("warm-up");
    expect((await bench.read("none")).status).toBe(404);
    const asked = bench.asked.length;
    await bench.pass(9 * SECOND);
    expect((await bench.read("none")).cache).toBe("Foreshard; hit");
    expect(bench.asked.length).toBe(asked);
    await bench.put("none", "there");
    await bench.pass(2 * SECOND);
    expect((await bench.read("none")).text).toBe("there");
  });

  it.each(["GET", "HEAD"] as const)(
    "found by a %s is forgotten when the shard is written, also while it was asked about",
    async (method) => {
      const bench = await warm("warm-up");
      bench.storageTakes = 500;
      const asking = bench.ask("none", { method });
      await bench.pass(100);
      const change = await rewrite(bench, "none", "there");
      await bench.host.call((node) => node.invalidate([change]));
      expect((await bench.run(asking)).status).toBe(404);
      expect((await bench.read("none")).text).toBe("there");
    },
  );
});

describe("a copy from SQLite", () => {
  it("is served after the loss of memory under the lease that outlived it, without the storage", async () => {
    const bench = await onDisk("a");
    const asked = bench.asked.length;
    bench.host.loseMemory();
    bench.heartbeatTakes = SECOND;
    const got = await bench.read("a");
    expect([got.text, got.cache, got.headers.get("ETag")]).toEqual([
      "one",
      "Foreshard; hit; detail=disk",
      (await bench.truth.head("a"))?.etag,
    ]);
    expect(bench.asked.length).toBe(asked);
  });

  it("is not served when its shard was invalidated while its digest was computed", async () => {
    const bench = await onDisk("a");
    bench.host.loseMemory();
    bench.digestTakes = 500;
    const reading = bench.ask("a");
    await bench.pass(100);
    const change = await rewrite(bench, "a", "two");
    await bench.host.call((node) => node.invalidate([change]));
    expect((await bench.run(reading)).text).toBe("two");
    expect((await bench.read("a")).text).toBe("two");
  });

  it("is not written when its shard was rewritten while its digest was computed", async () => {
    const bench = await warm("a");
    await bench.read("a");
    bench.digestTakes = 3 * SECOND;
    await bench.pass(5 * SECOND);
    const change = await rewrite(bench, "a", "two");
    await bench.host.call((node) => node.invalidate([change]));
    await bench.read("a");
    await bench.pass(3 * SECOND);
    bench.host.loseMemory();
    expect((await bench.read("a")).text).toBe("two");
  });

  it("goes before a strong write is acknowledged, and is not back after the loss of memory", async () => {
    const bench = await onDisk("a");
    const change = await rewrite(bench, "a", "two");
    await bench.host.call((node) => node.invalidate([change]));
    bench.host.loseMemory();
    expect((await bench.read("a")).text).toBe("two");
  });
});

describe("a heartbeat's answer", () => {
  it("counts from when the heartbeat was sent", async () => {
    const bench = new Bench();
    await bench.put("a", "one", LONG);
    bench.heartbeatTakes = 15 * SECOND;
    await bench.read("a");
    bench.coordinatorAnswers = false;
    await bench.pass(16 * SECOND);
    expect((await bench.read("a")).cache).toBe("Foreshard; hit");
    await bench.pass(5 * SECOND);
    expect((await bench.read("a")).cache).toBe("Foreshard; fwd=stale");
  });

  it("drops the copies it names before they are served under the lease it brings", async () => {
    const bench = await warm("a");
    // Longer than the lease, and not as long as the list goes back: but for it the copy would be covered.
    await bench.pass(LEASE_TERM + 5 * SECOND);
    const change = await rewrite(bench, "a", "two");
    const { answer } = bench;
    bench.answer = async (beat) => {
      const { logged, ...rest } = await answer(beat);
      return { ...rest, logged: { ...logged, upTo: logged.upTo + 1, changes: [change] } };
    };
    await bench.read("other");
    await bench.pass(SECOND);
    expect((await bench.read("a")).text).toBe("two");
  });
});
