import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call, eventually, problem, put, read } from "./support.ts";

const sha256 = async (text: string): Promise<string> =>
  btoa(
    String.fromCharCode(
      ...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    ),
  );

describe("writing a shard", () => {
  it("answers 201 for a new shard and 200 for a newer version, with its ETag", async () => {
    const first = await put("w/new", "one");
    expect(first.status).toBe(201);
    expect(first.headers.get("ETag")).toMatch(/^"[0-9a-f]+"$/);
    expect(first.headers.get("Location")).toBe("/shards/w/new");
    expect((await put("w/new", "two")).status).toBe(200);
    expect((await read("w/new")).text).toBe("two");
  });

  it("keeps the content type and cache control of the write", async () => {
    await put("w/meta", "{}", { "Content-Type": "application/json", "Cache-Control": "max-age=60" });
    const { headers } = await read("w/meta");
    expect(headers.get("Content-Type")).toBe("application/json");
    expect(headers.get("Cache-Control")).toBe("max-age=60");
  });

  it("serves a stored content encoding as it was stored", async () => {
    const packed = await new Response(
      new Blob(["packed"]).stream().pipeThrough(new CompressionStream("gzip")),
    ).arrayBuffer();
    await put("w/gz", packed, { "Content-Encoding": "gzip", "Content-Type": "text/plain" });
    const response = await call("/shards/w/gz");
    expect(response.headers.get("Content-Encoding")).toBe("gzip");
    // The client here decodes as a browser does; had the bytes been decoded or packed on the way, this would fail.
    expect(await response.text()).toBe("packed");
    expect(
      new Uint8Array((await (await env.SHARDS.get("w/gz"))?.arrayBuffer()) ?? new ArrayBuffer()),
    ).toEqual(new Uint8Array(packed));
  });

  it("verifies the digest the writer gives, and stores nothing when it is wrong", async () => {
    const good = await put("w/digest", "right", { "Repr-Digest": `sha-256=:${await sha256("right")}:` });
    expect(good.status).toBe(201);
    expect((await read("w/digest")).headers.get("Repr-Digest")).toBe(`sha-256=:${await sha256("right")}:`);
    const bad = await put("w/digest", "wrong", { "Repr-Digest": `sha-256=:${await sha256("other")}:` });
    expect(bad.status).toBe(400);
    expect((await problem(bad)).type).toBe("/docs#problem-digest-mismatch");
    expect((await read("w/digest")).text).toBe("right");
    const malformed = await put("w/digest", "right", { "Repr-Digest": "sha-256=nonsense" });
    expect(malformed.status).toBe(400);
    expect((await problem(malformed)).detail).toContain("Repr-Digest");
  });

  it("honours If-None-Match: * and If-Match", async () => {
    const first = await put("w/if", "one", { "If-None-Match": "*" });
    expect(first.status).toBe(201);
    expect((await put("w/if", "two", { "If-None-Match": "*" })).status).toBe(412);
    expect((await put("w/if", "two", { "If-Match": '"0123"' })).status).toBe(412);
    expect((await read("w/if")).text).toBe("one");
    expect((await put("w/if", "two", { "If-Match": first.headers.get("ETag") ?? "" })).status).toBe(200);
    expect((await put("w/never", "x", { "If-Match": "*" })).status).toBe(412);
    expect((await read("w/never")).status).toBe(404);
  });

  it("refuses a body over the limit before reading it", async () => {
    const response = await call("/shards/w/huge", {
      method: "PUT",
      token: "write",
      headers: { "Content-Length": String(101 * 1_048_576) },
      body: new Uint8Array(10),
    });
    expect(response.status).toBe(413);
    expect((await problem(response)).detail).toContain("at most");
    expect((await read("w/huge")).status).toBe(404);
  });

  it("stores an empty shard", async () => {
    expect((await put("w/empty", "")).status).toBe(201);
    const { status: code, text } = await read("w/empty");
    expect([code, text]).toEqual([200, ""]);
    expect((await read("w/empty")).cache).toBe("Foreshard; hit");
  });

  it("drops the writer's own copy before it answers, and others' soon after", async () => {
    await put("w/own", "one");
    await read("w/own");
    await read("w/own", { region: "oc" });
    await put("w/own", "two");
    expect((await read("w/own")).text).toBe("two");
    await eventually(async () => ((await read("w/own", { region: "oc" })).text === "two" ? true : null));
  });
});

describe("deleting", () => {
  it("deletes with 204, also what is not there", async () => {
    await put("d/one", "x");
    await read("d/one");
    expect((await call("/shards/d/one", { method: "DELETE", token: "write" })).status).toBe(204);
    expect((await read("d/one")).status).toBe(404);
    expect((await call("/shards/d/one", { method: "DELETE", token: "write" })).status).toBe(204);
  });
});

describe("ids", () => {
  it.each([
    ["a dot-dot segment", "..%2fsecret", '".."'],
    ["an empty segment", "a%2f%2fb", "empty"],
    ["nothing", "", "empty"],
    ["an empty last segment", "a/", "empty"],
    ["a NUL", "a%00b", "control"],
    ["a line feed", "a%0ab", "control"],
    ["1,025 letters", "x".repeat(1_025), "1024 bytes"],
    ["1,026 bytes of UTF-8", "%E4%B8%AD".repeat(342), "1024 bytes"],
    ["what is not UTF-8", "%ff", "UTF-8"],
  ])("refuses %s with 400, reading and writing", async (_name, id, reason) => {
    for (const init of [{}, { method: "PUT", body: "x", token: "write" }]) {
      const path = `/shards/${id}`;
      const response = await call(path, init);
      if (path === "/shards/" && init.method === undefined) continue; // GET /shards/ lists.
      expect(response.status).toBe(400);
      expect((await problem(response)).detail).toContain(reason);
    }
  });

  it.each([
    ["a path", "tiles/5/10/12"],
    ["other scripts", "ünïcode/中文"],
    ["a space", "with space"],
    ["a percent sign", "a%b"],
    ["a question mark", "q?x=1"],
    ["a hash sign", "h#ash"],
    ["1,024 letters", "x".repeat(1_024)],
  ])("takes %s", async (_name, id) => {
    const path = id.split("/").map(encodeURIComponent).join("/");
    expect((await put(path, "body")).status).toBe(201);
    expect((await read(path)).text).toBe("body");
    expect(await (await env.SHARDS.get(id))?.text()).toBe("body");
  });
});
