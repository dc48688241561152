import { describe, expect, it } from "vitest";
import { DiskLoader } from "../../durable-objects/partition/disk-loader.ts";
import { KnownShards } from "../../durable-objects/partition/known-shards.ts";
import { type Copy, MemoryTier } from "../../durable-objects/partition/memory-tier.ts";
import { Reader } from "../../durable-objects/partition/reader.ts";
import { SingleFlight } from "../../durable-objects/partition/single-flight.ts";
import { newStats } from "../../durable-objects/partition/stats.ts";
import type { Clock } from "../../src/core/clock.ts";
import { Lease } from "../../src/core/coherence/lease.ts";
import { Engine } from "../../src/core/engine/engine.ts";
import { bytes } from "../../src/core/units.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";
import { type OpenShard, StorageUnavailableError } from "../../src/storage/shard-store.ts";
import { readOf } from "../support/read-of.ts";

const SECOND = 1_000;

describe("a reader that waits for the storage", () => {
  const REQUEST = readOf("a");
  const text = (body: string) => new TextEncoder().encode(body);

  /** A partition's read path with a lease from time 0 on, whose storage answers when it is let. */
  const partition = async (cacheControl?: string) => {
    const clock = { now: 1_000 };
    const now = (): number => clock.now;
    const truth = new MemoryShardStore(now);
    await truth.put("a", text("one"), { cacheControl });
    const held: (() => void)[] = [];
    const store = Object.assign(Object.create(truth) as MemoryShardStore, {
      broken: false,
      get: async (id: string): Promise<OpenShard | null> => {
        const open = await truth.get(id);
        await new Promise<void>((resolve) => held.push(resolve));
        if (store.broken) throw new StorageUnavailableError("broken");
        return open;
      },
      getUnless: (id: string) => store.get(id),
    });
    const lease = new Lease(1_000);
    const memory = new MemoryTier(new Engine(bytes(100_000)));
    const known = new KnownShards();
    const time: Clock = { now, after: () => () => undefined };
    const fills = new SingleFlight({
      store,
      memory,
      lease,
      known,
      cacheableBytes: () => 10_000,
      clock: time,
    });
    let onSettled = (): void => undefined;
    const reader = new Reader({
      store,
      memory,
      fills,
      known,
      lease,
      clock: time,
      disk: { metaOf: () => null, remove: () => undefined },
      loader: new DiskLoader({ disk: { has: () => false, read: async () => null }, memory, clock: time }),
      leaseSettled: async () => onSettled(),
      onWait: () => undefined,
      stats: newStats(),
      freshnessMillis: () => 30 * SECOND,
      staleIfErrorMillis: () => 300 * SECOND,
    });
    return {
      clock,
      truth,
      store,
      lease,
      memory,
      reader,
      /** Lets the storage answer all that it was asked. */
      answer: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        for (const go of held.splice(0)) go();
      },
      onLeaseSettled: (act: () => void) => {
        onSettled = act;
      },
    };
  };
  const textOf = async ({ response }: { response: Response }): Promise<string> => response.text();

  it("does not take what a fetch brought that began before a strong write it hears of with its lease", async () => {
    const { truth, lease, reader, answer, onLeaseSettled } = await partition();
    const first = reader.read(REQUEST);
    await new Promise((resolve) => setImmediate(resolve));
    const two = await truth.put("a", text("two"));
    const second = reader.read(REQUEST);
    onLeaseSettled(() => {
      reader.invalidate({ shard: "a", etag: two?.etag, uploaded: two?.uploaded ?? 0 });
      lease.renew(1_000, 1_000, { after: 5, upTo: 5 });
    });
    await answer();
    expect(await textOf(await first)).toBe("one");
    await answer();
    expect(await textOf(await second)).toBe("two");
  });

  it("does not take what a fetch brought that took longer than the bound", async () => {
    const { clock, truth, lease, reader, answer } = await partition("max-age=2");
    lease.renew(1_000, 1_000, { after: 5, upTo: 5 });
    const first = reader.read(REQUEST);
    await new Promise((resolve) => setImmediate(resolve));
    await truth.put("a", text("two"));
    clock.now = 5_000;
    const second = reader.read(REQUEST);
    await answer();
    expect(await textOf(await first)).toBe("one");
    await answer();
    expect(await textOf(await second)).toBe("two");
  });

  it("serves a stale copy when the storage fails, but not one that was dropped meanwhile", async () => {
    const { clock, store, lease, reader, answer } = await partition("max-age=2");
    lease.renew(1_000, 1_000, { after: 5, upTo: 5 });
    const warming = reader.read(REQUEST);
    await answer();
    await warming;
    clock.now = 5_000;
    store.broken = true;
    const stale = reader.read(REQUEST);
    await answer();
    const { response } = await stale;
    expect(response.headers.get("Cache-Status")).toBe("Foreshard; hit; detail=stale-if-error");
    const dropped = reader.read(REQUEST);
    reader.invalidate({ shard: "a", etag: '"2"', uploaded: 4_000 });
    await answer();
    await expect(dropped).rejects.toBeInstanceOf(StorageUnavailableError);
  });

  it("keeps nothing of a body that ends early", async () => {
    const { truth, store, lease, memory, reader } = await partition();
    lease.renew(1_000, 1_000, { after: 5, upTo: 5 });
    const meta = await truth.head("a");
    store.get = async () => meta && { meta, body: new Blob(["on"]).stream() };
    await expect(reader.read(REQUEST)).rejects.toBeInstanceOf(StorageUnavailableError);
    const kept: Copy | undefined = memory.peek("a");
    expect(kept).toBeUndefined();
  });
});
