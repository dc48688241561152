import { describe, expect, it } from "vitest";
import { ProblemError } from "../../src/contract/problems.ts";
import { readDirectly } from "../../src/http/direct-read.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { readOf } from "../support/read-of.ts";

const read = (range?: string) => readOf("a", range === undefined ? {} : { range });
const text = (body: string) => new TextEncoder().encode(body);
const CLOCK = { start: 0, now: () => 0 };

/** A storage in which another write comes between asking for a shard's size and opening it, `times` times. */
async function overwritten(times: number, body: (i: number) => string, type: (i: number) => string) {
  const truth = new MemoryShardStore(() => 0);
  let i = 0;
  const write = () => truth.put("a", text(body(i)), { contentType: type(i++) });
  await write();
  const store: ShardStore = {
    get: (id, range) => truth.get(id, range),
    getUnless: (id, etag) => truth.getUnless(id, etag),
    async head(id) {
      const meta = await truth.head(id);
      if (i <= times) await write();
      return meta;
    },
    put: (id, body, options) => truth.put(id, body, options),
    delete: (id) => truth.delete(id),
    list: (options) => truth.list(options),
  };
  return { truth, store };
}

describe("a range read straight from the storage", () => {
  it("is of one version, that of its ETag and size, also when another is written meanwhile", async () => {
    const { truth, store } = await overwritten(
      1,
      (i) => "ab"[i]?.repeat(10 + i) ?? "",
      () => "text/plain",
    );
    const { response, meta } = await readDirectly(store, read("bytes=2-5"), "x", CLOCK);
    expect([response.status, await response.text()]).toEqual([206, "bbbb"]);
    expect(response.headers.get("ETag")).toBe((await truth.head("a"))?.etag);
    expect(response.headers.get("Content-Range")).toBe("bytes 2-5/11");
    expect(meta.size).toBe(11);
  });

  it("has the headers that were written with its version, also when the bytes are the same", async () => {
    const { store } = await overwritten(
      2,
      () => "same bytes",
      (i) => `text/v${i}`,
    );
    const { response } = await readDirectly(store, read("bytes=2-5"), "x", CLOCK);
    expect(response.headers.get("Content-Type")).toBe("text/v2");
    await response.text();
  });

  it("is given up when the shard is overwritten again and again", async () => {
    const { store } = await overwritten(
      9,
      (i) => `version ${i}`,
      () => "text/plain",
    );
    const reading = readDirectly(store, read("bytes=0-1"), "x", CLOCK);
    await expect(reading).rejects.toSatisfy(
      (error) => error instanceof ProblemError && error.code === "overloaded",
    );
  });
});
