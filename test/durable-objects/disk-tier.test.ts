import { expect, it } from "vitest";
import { DiskTier, type WritableCopy } from "../../durable-objects/partition/disk-tier.ts";
import { migrate } from "../../migrations/migrate.ts";
import { migrationsOf, SqliteStorage } from "../../simulator/platform/sqlite-storage.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";

const copyOf = (id: string, text: string): WritableCopy => {
  const body = Uint8Array.from(new TextEncoder().encode(text)).buffer;
  const meta = { size: body.byteLength, etag: `"${text}"`, version: text, uploaded: 1 };
  return { id, meta, body, validatedAt: 1 };
};
const always = (): boolean => true;
const textOf = async (disk: DiskTier, id: string): Promise<string | null> => {
  const copy = await disk.read(id);
  return copy === null ? null : new TextDecoder().decode(copy.body);
};

/** A disk of so many bytes whose inserts of `poison` fail. */
function failingDisk(capacity: number) {
  const view = new SqliteStorage().view(() => false);
  const storage: NodeStorage = {
    ...view,
    sql: {
      exec(query, ...bindings) {
        if (query.startsWith("INSERT INTO copies") && bindings[0] === "poison") throw new Error("disk full");
        return view.sql.exec(query, ...bindings);
      },
    },
  };
  migrate(storage, migrationsOf("partition"));
  const reopened = (): DiskTier => new DiskTier(storage, capacity);
  return { disk: new DiskTier(storage, capacity), reopened };
}

it("keeps what a failed batch would have evicted, and can replace it afterwards", async () => {
  const { disk, reopened } = failingDisk(10);
  await disk.write([copyOf("old", "12345678")], always);
  // The batch makes room by evicting, then fails: SQL undoes the eviction, and so must the index.
  await expect(disk.write([copyOf("new", "abcdefgh"), copyOf("poison", "x")], always)).rejects.toThrow(
    "disk full",
  );
  expect([disk.has("old"), disk.has("new"), disk.has("poison")]).toEqual([true, false, false]);
  expect([await textOf(disk, "old"), disk.used]).toEqual(["12345678", 8]);
  await disk.write([copyOf("old", "newer")], always);
  expect(await textOf(disk, "old")).toBe("newer");
  expect(await textOf(reopened(), "old")).toBe("newer");
});

it("drops for good what is removed after a failed batch", async () => {
  const { disk, reopened } = failingDisk(10);
  await disk.write([copyOf("old", "12345678")], always);
  await disk.write([copyOf("new", "abcdefgh"), copyOf("poison", "x")], always).catch(() => undefined);
  disk.remove("old");
  expect(await textOf(reopened(), "old")).toBeNull();
});
