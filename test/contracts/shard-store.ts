import { expect, it } from "vitest";
import { DigestMismatchError, type ShardStore } from "../../src/storage/shard-store.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));
const read = async (open: Awaited<ReturnType<ShardStore["get"]>>): Promise<string | null> =>
  open === null ? null : new TextDecoder().decode(await new Response(open.body).arrayBuffer());

/** What every form of {@link ShardStore} does. */
export function shardStoreContract(makeStore: () => ShardStore): void {
  it("gives back what was stored, with its metadata", async () => {
    const store = makeStore();
    const put = await store.put("c/a", bytes("hello"), {
      contentType: "text/plain",
      cacheControl: "max-age=1",
    });
    expect(put).toMatchObject({ size: 5, contentType: "text/plain", cacheControl: "max-age=1" });
    const open = await store.get("c/a");
    expect(open?.meta.etag).toBe(put?.etag);
    expect(put?.etag).toMatch(/^".+"$/);
    expect(await read(open)).toBe("hello");
    expect(await store.head("c/a")).toEqual(open?.meta);
  });

  it("opens a range", async () => {
    const store = makeStore();
    await store.put("c/range", bytes("abcdefghij"));
    const open = await store.get("c/range", { offset: 2, length: 3 });
    expect(open?.meta.size).toBe(10);
    expect(await read(open)).toBe("cde");
  });

  it("says so when a shard is unchanged, changed or gone", async () => {
    const store = makeStore();
    const first = await store.put("c/unless", bytes("one"));
    const same = await store.getUnless("c/unless", first?.etag ?? "");
    expect([same?.body, same?.meta]).toEqual([null, first]);
    await store.put("c/unless", bytes("two"));
    const open = await store.getUnless("c/unless", first?.etag ?? "");
    expect(open?.body == null ? "unchanged" : await read(open)).toBe("two");
    await store.delete("c/unless");
    await store.delete("c/unless");
    expect(await store.getUnless("c/unless", first?.etag ?? "")).toBeNull();
    expect(await store.head("c/unless")).toBeNull();
    expect(await store.get("c/unless")).toBeNull();
  });

  it("tells the same bytes stored again with other headers apart, and says what the headers are now", async () => {
    const store = makeStore();
    const first = await store.put("c/headers", bytes("same"), { cacheControl: "public" });
    const second = await store.put("c/headers", bytes("same"), { cacheControl: "no-store" });
    expect(second?.etag).toBe(first?.etag);
    expect(second?.version).not.toBe(first?.version);
    const same = await store.getUnless("c/headers", first?.etag ?? "");
    expect([same?.body, same?.meta.version, same?.meta.cacheControl]).toEqual([
      null,
      second?.version,
      "no-store",
    ]);
  });

  it("stores nothing when a condition fails", async () => {
    const store = makeStore();
    expect(await store.put("c/if", bytes("x"), { ifMatch: "*" })).toBeNull();
    const first = await store.put("c/if", bytes("one"), { ifNoneMatch: "*" });
    expect(first).not.toBeNull();
    expect(await store.put("c/if", bytes("two"), { ifNoneMatch: "*" })).toBeNull();
    expect(await store.put("c/if", bytes("two"), { ifMatch: '"other"' })).toBeNull();
    expect(await read(await store.get("c/if"))).toBe("one");
    expect(await store.put("c/if", bytes("two"), { ifMatch: first?.etag ?? "" })).not.toBeNull();
  });

  it("verifies a digest, and stores nothing when it is wrong", async () => {
    const store = makeStore();
    const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes("right")));
    const meta = await store.put("c/digest", bytes("right"), { sha256 });
    expect(meta?.sha256).toBe(btoa(String.fromCharCode(...sha256)));
    await expect(store.put("c/digest", bytes("wrong"), { sha256 })).rejects.toBeInstanceOf(
      DigestMismatchError,
    );
    expect(await read(await store.get("c/digest"))).toBe("right");
  });

  it("lists in order, page by page", async () => {
    const store = makeStore();
    for (const id of ["cl/b", "cl/a", "cl/c", "cx/d"]) await store.put(id, bytes(id));
    const first = await store.list({ prefix: "cl/", limit: 2 });
    expect(first.shards.map(({ id }) => id)).toEqual(["cl/a", "cl/b"]);
    const second = await store.list({ prefix: "cl/", limit: 2, cursor: first.cursor ?? "" });
    expect(second.shards.map(({ id }) => id)).toEqual(["cl/c"]);
    expect(second.cursor).toBeUndefined();
  });
}
