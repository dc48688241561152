import { describe, expect, it } from "vitest";
import { CHUNK_BYTES, DiskTier } from "../../durable-objects/partition/disk-tier.ts";
import { migrate } from "../../migrations/migrate.ts";
import { DiskError, migrationsOf, SqliteStorage } from "../../simulator/platform/sqlite-storage.ts";
import { Lease } from "../../src/core/coherence/lease.ts";

const MIGRATIONS = migrationsOf("partition");
const always = () => true;

/** A disk, and what another instance would find on it. */
function diskOf(capacity = 10_000_000) {
  const storage = new SqliteStorage();
  const view = storage.view(() => false);
  migrate(view, MIGRATIONS);
  return { storage, view, disk: new DiskTier(view, capacity), reopened: () => new DiskTier(view, capacity) };
}

const copyOf = (id: string, size = 100) => ({
  id,
  meta: {
    size,
    etag: `"${id}"`,
    version: `${id}-1`,
    uploaded: 5,
    contentType: "text/plain",
    contentEncoding: undefined,
    cacheControl: "max-age=60",
    sha256: undefined,
  },
  body: Uint8Array.from({ length: size }, (_, i) => (i * 31 + id.length) % 251).buffer,
  validatedAt: 7,
  asOf: 3,
});

describe("a copy on disk", () => {
  it.each([0, 1, 100, CHUNK_BYTES, 2 * CHUNK_BYTES + 1])(
    "of %i bytes is read back as it was written, by this instance and the next",
    async (size) => {
      const { disk, reopened } = diskOf();
      const copy = copyOf("a", size);
      await disk.write([copy], always);
      for (const tier of [disk, reopened()]) {
        const { meta, body, validatedAt, asOf } = (await tier.read("a")) ?? {};
        expect(meta).toEqual(JSON.parse(JSON.stringify(copy.meta)));
        expect([validatedAt, asOf]).toEqual([7, 3]);
        expect(new Uint8Array(body ?? new ArrayBuffer())).toEqual(new Uint8Array(copy.body));
      }
    },
  );

  it("of before copies had a number has one below all, so that R2 is asked about it", async () => {
    const view = new SqliteStorage().view(() => false);
    migrate(view, MIGRATIONS.slice(0, 1));
    const { meta, body } = copyOf("a");
    const digest = await crypto.subtle.digest("SHA-256", body);
    view.sql.exec(
      "INSERT INTO copies (shard, size, sha256, meta, validated_at) VALUES ('a', 100, ?, ?, 7)",
      digest,
      JSON.stringify(meta),
    );
    view.sql.exec("INSERT INTO chunks (copy, position, data) VALUES (1, 0, ?)", body);
    migrate(view, MIGRATIONS);
    const { asOf } = (await new DiskTier(view, 10_000).read("a")) ?? {};
    const lease = new Lease(0);
    lease.renew(0, 1, { after: 1, upTo: 1 });
    expect([asOf, lease.covers(asOf ?? 1, 2)]).toEqual([0, false]);
  });

  it("whose bytes are damaged is dropped and counted", async () => {
    const { disk, view, reopened } = diskOf();
    await disk.write([copyOf("a")], always);
    view.sql.exec("UPDATE chunks SET data = zeroblob(length(data))");
    expect(await disk.read("a")).toBeNull();
    expect([disk.has("a"), disk.corrupt, reopened().has("a")]).toEqual([false, 1, false]);
  });

  it("is not written when it was invalidated while its digest was computed", async () => {
    const { disk } = diskOf();
    let isCurrent = true;
    const writing = disk.write([copyOf("a"), copyOf("b")], ({ id }) => id === "b" || isCurrent);
    isCurrent = false;
    await writing;
    expect([disk.has("a"), disk.has("b")]).toEqual([false, true]);
  });

  it("that is removed is not back after the loss of memory", async () => {
    const { disk, view, reopened } = diskOf();
    await disk.write([copyOf("a")], always);
    disk.remove("a");
    disk.remove("a");
    expect(disk.has("a")).toBe(false);
    expect(reopened().has("a")).toBe(false);
    expect(view.sql.exec("SELECT count(*) AS rows FROM chunks").toArray()).toEqual([{ rows: 0 }]);
  });

  it("that could not be removed is still known, so that it can be tried again", async () => {
    const { storage, disk, reopened } = diskOf();
    await disk.write([copyOf("a")], always);
    storage.failsToCommit = () => true;
    expect(() => disk.remove("a")).toThrow(DiskError);
    storage.failsToCommit = () => false;
    expect(disk.has("a")).toBe(true);
    disk.remove("a");
    expect(disk.has("a")).toBe(false);
    expect(reopened().has("a")).toBe(false);
  });

  it("that was undone with its transaction leaves the index as SQL has it, and its room free", async () => {
    const { storage, disk, reopened } = diskOf(250);
    await disk.write([copyOf("a")], always);
    storage.failsToCommit = () => true;
    await expect(disk.write([copyOf("b"), copyOf("c")], always)).rejects.toThrow(DiskError);
    storage.failsToCommit = () => false;
    expect(["a", "b", "c"].map((id) => disk.has(id))).toEqual([true, false, false]);
    expect([disk.used, disk.count]).toEqual([100, 1]);
    expect((await disk.read("a"))?.meta.etag).toBe('"a"');
    await disk.write([copyOf("d")], always);
    expect([disk.has("a"), disk.has("d"), reopened().count]).toEqual([true, true, 2]);
  });

  it("goes when it is the least recently used and there is no room, rows and all", async () => {
    const { disk, reopened } = diskOf(250);
    await disk.write([copyOf("a"), copyOf("b")], always);
    await disk.read("a");
    await disk.write([copyOf("c")], always);
    for (const tier of [disk, reopened()])
      expect(["a", "b", "c"].map((id) => tier.has(id))).toEqual([true, false, true]);
    disk.resize(100);
    expect([disk.count, disk.used, reopened().count]).toEqual([1, 100, 1]);
  });

  it("is not taken in when the tier is turned off", async () => {
    const { disk } = diskOf();
    disk.resize(0);
    await disk.write([copyOf("a", 0), copyOf("b")], always);
    expect(disk.count).toBe(0);
  });
});
