import { describe, expect, it } from "vitest";
import { Bench } from "./bench.ts";

const MINUTE = 60_000;

describe("an immutable shard", () => {
  it("is not served from a copy after a strong delete that a partition without a lease did not hear", async () => {
    const bench = new Bench();
    await bench.put("i/1", "old", { cacheControl: "immutable" });
    await bench.read("i/1");
    await bench.pass(1_000);
    expect((await bench.read("i/1")).cache).toBe("Foreshard; hit");
    await bench.pass(5 * MINUTE);
    await bench.truth.delete("i/1");
    await bench.run(bench.coordinator.announceStrong([{ shard: "i/1", uploaded: bench.clock.now() }]));
    await bench.pass(5 * MINUTE);
    expect((await bench.read("i/1")).status).toBe(404);
  });

  it("is asked about once after a long absence, and served unasked again", async () => {
    const bench = new Bench();
    await bench.put("i/2", "bytes", { cacheControl: "immutable" });
    await bench.read("i/2");
    await bench.pass(10 * MINUTE);
    await bench.read("i/2");
    await bench.pass(1_000);
    bench.asked.length = 0;
    for (let i = 0; i < 3; i++) expect((await bench.read("i/2")).cache).toBe("Foreshard; hit");
    expect(bench.asked).toEqual([]);
  });
});

describe("the same bytes stored again with other headers", () => {
  const overwrite = async (bench: Bench, id: string): Promise<void> => {
    await bench.put(id, "same", { cacheControl: "public, max-age=1", contentType: "text/plain" });
    await bench.read(id);
    await bench.pass(1_000);
    await bench.put(id, "same", { cacheControl: "no-store", contentType: "text/html" });
  };

  it("reach a partition that slept, with its next question to the storage", async () => {
    const bench = new Bench();
    await overwrite(bench, "h/1");
    await bench.pass(5 * MINUTE);
    const got = await bench.read("h/1");
    expect([got.text, got.headers.get("Content-Type"), got.headers.get("Cache-Control")]).toEqual([
      "same",
      "text/html",
      "no-store",
    ]);
    // What forbids keeping is not kept, in memory or on disk.
    expect(bench.partition.explain("h/1")).toMatchObject({ memory: null, disk: false });
  });

  it("are what a read with no-cache answers", async () => {
    const bench = new Bench();
    await overwrite(bench, "h/2");
    const got = await bench.read("h/2", { bypass: true });
    expect([got.text, got.headers.get("Content-Type")]).toEqual(["same", "text/html"]);
    expect(bench.partition.explain("h/2").memory).toBeNull();
  });

  it("cost no transfer of the bytes", async () => {
    const bench = new Bench();
    await overwrite(bench, "h/3");
    await bench.pass(5 * MINUTE);
    bench.asked.length = 0;
    await bench.read("h/3");
    expect(bench.asked).toEqual(["getUnless"]);
  });
});

describe("while R2 fails", () => {
  it.each([
    ["max-age=1", 200],
    ["no-cache", 503],
    ["max-age=1, must-revalidate", 503],
  ])("a copy under Cache-Control: %s is answered with %i", async (cacheControl, status) => {
    const bench = new Bench();
    await bench.put("f/1", "bytes", { cacheControl });
    await bench.read("f/1");
    await bench.pass(3_000);
    bench.storageFails = true;
    const got = await bench.read("f/1");
    expect(got.status).toBe(status);
    if (status === 200) expect(got.cache).toBe("Foreshard; hit; detail=stale-if-error");
  });
});

describe("a shard that does not exist", () => {
  it("costs one R2 read in ten seconds, however often it is asked for", async () => {
    const bench = new Bench();
    await bench.read("n/0");
    await bench.pass(1_000);
    bench.asked.length = 0;
    for (let i = 0; i < 20; i++) expect((await bench.read("n/1")).status).toBe(404);
    expect((await bench.read("n/1", { method: "HEAD" })).status).toBe(404);
    expect(bench.asked).toEqual(["get"]);
    await bench.pass(11_000);
    await bench.read("n/1");
    expect(bench.asked).toEqual(["get", "get"]);
  });

  it("is there for its writer at once, and for all after a strong write", async () => {
    const bench = new Bench();
    await bench.read("n/2");
    await bench.pass(1_000);
    await bench.read("n/2");
    const meta = await bench.put("n/2", "now");
    await bench.run(
      bench.coordinator.announceStrong([{ shard: "n/2", etag: meta?.etag, uploaded: bench.clock.now() }]),
    );
    expect((await bench.read("n/2")).text).toBe("now");
  });

  it("is asked for again where no lease says that no write was missed", async () => {
    const bench = new Bench();
    bench.coordinatorAnswers = false;
    for (let i = 0; i < 3; i++) await bench.read("n/3");
    expect(bench.asked).toEqual(["get", "get", "get"]);
  });
});
