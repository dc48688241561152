import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call, eventually, partition, put, read, status } from "./support.ts";

/** Runs the housekeeping that is due a few seconds after activity. */
async function housekeeping(name = "g1:weur:0"): Promise<void> {
  // The alarm is set behind the response.
  await eventually(async () => ((await runDurableObjectAlarm(partition(name))) ? true : null));
}

const setSettings = (patch: object) =>
  call("/admin/api/settings", { method: "PUT", token: "admin", body: JSON.stringify(patch) });
const forget = () => call("/admin/api/forget", { method: "POST", token: "admin" });

describe("memory", () => {
  it("accounts for bytes exactly and never exceeds its capacity", async () => {
    await setSettings({ memoryBytes: 100_000, diskBytes: 0 });
    await put("m/first", "x");
    await read("m/first"); // Registers the partition, so that forgetting reaches it.
    await eventually(async () => {
      await forget();
      return (await status()).settingsVersion > 0 ? true : null;
    });
    for (let i = 0; i < 30; i++) await put(`m/${i}`, "x".repeat(9_000 + i));
    for (let i = 0; i < 30; i++) {
      await read(`m/${i}`);
      const { memory } = await status();
      expect(memory.bytes).toBeLessThanOrEqual(100_000);
    }
    const { memory } = await status();
    expect(memory.capacity).toBe(100_000);
    expect(memory.shards).toBeGreaterThan(5);
    expect(Math.abs(memory.bytes - memory.shards * 9_015)).toBeLessThan(memory.shards * 16);
    await setSettings({ memoryBytes: 32 * 1_048_576, diskBytes: 64 * 1_048_576 });
    await forget();
  });
});

describe("the SQLite tier", () => {
  it("brings an earned copy back after the loss of memory, without R2", async () => {
    await put("s/earned", "worth keeping");
    await put("s/once", "asked for once");
    await read("s/earned");
    await read("s/earned");
    await read("s/once");
    await housekeeping();
    expect((await status()).disk.shards).toBeGreaterThan(0);
    const { storageReads } = (await status()).counts;
    await evictDurableObject(partition());
    const earned = await read("s/earned");
    expect([earned.text, earned.cache]).toEqual(["worth keeping", "Foreshard; hit; detail=disk"]);
    expect((await status()).counts.storageReads).toBe(storageReads);
    expect((await read("s/earned")).cache).toBe("Foreshard; hit");
    // It is not on disk; that it follows is remembered, so that it may be under way already.
    expect((await read("s/once")).cache).not.toContain("disk");
  });

  it("keeps a copy of several chunks whole", async () => {
    const body = new Uint8Array(2_500_000).map((_, i) => (i * 31) % 253);
    await put("s/chunks", body);
    for (let i = 0; i < 2; i++) await (await call("/shards/s/chunks")).arrayBuffer();
    await housekeeping();
    await evictDurableObject(partition());
    const response = await call("/shards/s/chunks");
    expect(response.headers.get("Cache-Status")).toBe("Foreshard; hit; detail=disk");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(body);
    await runInDurableObject(partition(), (_object, state) => {
      const sizes = state.storage.sql.exec("SELECT length(data) AS size FROM chunks").toArray();
      expect(Math.max(...sizes.map(({ size }) => Number(size)))).toBeLessThanOrEqual(1_048_576);
    });
  });

  it("drops a copy whose bytes were damaged and reads R2 instead", async () => {
    await put("s/damaged", "intact bytes");
    await read("s/damaged");
    await read("s/damaged");
    await housekeeping();
    await runInDurableObject(partition(), (_object, state) => {
      state.storage.sql.exec(
        "UPDATE chunks SET data = ? WHERE copy = (SELECT copy FROM copies WHERE shard = 's/damaged')",
        new TextEncoder().encode("intact bytez").buffer,
      );
    });
    await evictDurableObject(partition());
    const got = await read("s/damaged");
    expect([got.text, got.cache]).toEqual(["intact bytes", "Foreshard; fwd=uri-miss; stored"]);
    expect((await status()).disk.corrupt).toBe(1);
  });

  it("drops a copy when its shard is written, also on disk", async () => {
    await put("s/rewritten", "old");
    await read("s/rewritten");
    await read("s/rewritten");
    await housekeeping();
    await put("s/rewritten", "new");
    await evictDurableObject(partition());
    expect((await read("s/rewritten")).text).toBe("new");
  });
});

describe("freshness", () => {
  it("asks R2 whether a copy is current once its time is over, without fetching it again", async () => {
    await put("f/short", "same", { "Cache-Control": "max-age=0" });
    await read("f/short");
    const again = await read("f/short");
    expect([again.text, again.cache]).toEqual(["same", "Foreshard; fwd=stale"]);
    await env.SHARDS.put("f/short", "changed elsewhere");
    expect((await read("f/short")).text).toBe("changed elsewhere");
    await env.SHARDS.delete("f/short");
    expect((await read("f/short", { headers: { "Cache-Control": "no-cache" } })).status).toBe(404);
  });
});

/** What people take between two reads, here: well more than a fetch, or nothing could be fetched in time. */
const THINKING = 40;

/** One user reads the first shard of a sequence, and then the second, which is not held, each time anew. */
async function teach(user: string): Promise<void> {
  for (const id of ["q/1", "q/2"]) {
    await read(id, { user });
    await scheduler.wait(THINKING);
  }
  await partition().invalidate([{ shard: "q/2", uploaded: Date.now() }]);
}

describe("learning", () => {
  it("fetches the next shard of a learned sequence before it is asked for", async () => {
    for (const id of ["q/1", "q/2"]) await put(id, id, { "Cache-Control": "immutable" });
    for (let i = 0; i < 20; i++) await teach(`teacher${i}`);
    const { prefetchesIssued: issued, prefetchesUsed: used } = (await status()).counts;
    await read("q/1", { user: "pupil" });
    await eventually(async () => ((await status()).counts.prefetchesIssued > issued ? true : null));
    await eventually(async () => ((await status()).prefetchQueue.inFlight === 0 ? true : null));
    expect((await read("q/2", { user: "pupil" })).cache).toBe("Foreshard; hit; detail=prefetched");
    expect((await status()).counts.prefetchesUsed).toBe(used + 1);
  });

  it("prefetches nothing when it is turned off", async () => {
    await setSettings({ prefetchMode: "off" });
    await forget();
    for (let i = 0; i < 20; i++) await teach(`teacher${i}`);
    await read("q/1", { user: "pupil" });
    await scheduler.wait(100);
    expect((await read("q/2", { user: "pupil" })).cache).toBe("Foreshard; fwd=uri-miss; stored");
    expect((await status()).counts.prefetchesIssued).toBe(0);
    await setSettings({ prefetchMode: "automatic" });
  });
});

it("learns from each read that R2 answers, also of what it does not hold", async () => {
  await put("lr/large", new Uint8Array(9 * 1_048_576));
  await put("lr/small", "small");
  const { eventsLearned: learned } = (await status()).counts;
  for (let i = 0; i < 3; i++) await (await call("/shards/lr/large")).arrayBuffer();
  for (let i = 0; i < 2; i++) await read("lr/small", { headers: { "Cache-Control": "no-cache" } });
  expect((await status()).counts.eventsLearned - learned).toBe(5);
});
