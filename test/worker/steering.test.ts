import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call, partition, problem, put, read, status } from "./support.ts";

/** What travels inside, and what a client might send in the hope that it does. */
const INTERNAL = {
  "F-User": "somebody-else",
  "F-Event": "forged",
  "F-Region": "oc",
  "F-Data-Type": "forged",
  "F-Bypass": "1",
  "F-Known": "0.0",
  "Foreshard-Routing-State": "%7B%22topology%22%3A%7B%22version%22%3A99%2C%22regions%22%3A%7B%7D%7D%7D",
  "Foreshard-Read-Directly": "overloaded",
  "Foreshard-Content-Encoding": "gzip",
  "do-name": "g1:oc:0",
  "do-content": '["forged"]',
  "Cf-Worker": "foreshard",
  "X-Partition": "g1:oc:0",
};

describe("internal headers from outside", () => {
  it("steer nothing and are given back by nothing", async () => {
    await put("s/one", "one");
    await read("s/one");
    const before = [await status(), await status("g1:oc:0")];
    const got = await read("s/one", { headers: INTERNAL });
    expect([got.status, got.text, got.cache]).toEqual([200, "one", "Foreshard; hit"]);
    expect(got.headers.get("Content-Encoding")).toBeNull();
    for (const name of Object.keys(INTERNAL)) expect([name, got.headers.get(name)]).toEqual([name, null]);
    const after = [await status(), await status("g1:oc:0")];
    expect(after.map((one, i) => one.counts.reads - (before[i]?.counts.reads ?? 0))).toEqual([1, 0]);
    expect(after[0]?.counts.bypassed).toBe(before[0]?.counts.bypassed);
  });

  it("do not reach the settings object", async () => {
    const before = await (await call("/admin/api/settings", { token: "admin" })).json();
    for (const path of ["/admin/api/settings/destroy", "/settings/main", "/version/99", "/admin/api/update"])
      expect((await call(path, { method: "POST", token: "admin", headers: INTERNAL })).status).toBe(404);
    expect(await (await call("/admin/api/settings", { token: "admin", headers: INTERNAL })).json()).toEqual(
      before,
    );
  });

  it("are not read by a partition from a stored shard's metadata either", async () => {
    await env.SHARDS.put("s/metadata", "plain", {
      httpMetadata: {
        contentType: "text/plain\r\nForeshard-Read-Directly: x",
        cacheControl: "max-age=1\nX: y",
      },
      customMetadata: { "Foreshard-Read-Directly": "x" },
    });
    for (const _ of ["cold", "warm"]) {
      const got = await read("s/metadata");
      expect([got.status, got.text]).toEqual([200, "plain"]);
      expect(got.headers.get("Foreshard-Read-Directly")).toBeNull();
      expect(got.headers.get("X")).toBeNull();
      expect(got.headers.get("Content-Type")).toBe("application/octet-stream");
    }
  });

  it("a partition answers nobody but the edge's own requests", async () => {
    for (const address of [
      "https://partition/",
      "https://partition/?s%2Fone",
      "https://foreshard.test/admin",
    ])
      expect((await partition().fetch(new Request(address))).status).toBe(400);
  });
});

describe("odd addresses", () => {
  it.each([
    ["two slashes before the path", "//shards/s/one", 404],
    ["two slashes within", "/shards//s/one", 400],
    ["an encoded slash after the resource", "/shards%2Fs%2Fone", 404],
    ["an encoded resource", "/%73hards/s/one", 400],
    ["dots that lead to the admin pages", "/shards/../admin/api/settings", 401],
    ["encoded dots that lead to them", "/shards/%2e%2e/admin/api/settings", 401],
    ["encoded dots and slash", "/shards/%2e%2e%2fadmin", 400],
    ["doubly encoded dots", "/shards/%252e%252e/s", 404],
    ["a backslash for a slash", "/shards\\..\\admin", 401],
    ["an encoded backslash", "/shards/..%5cadmin", 404],
    ["the admin pages in other letters", "/ADMIN", 404],
    ["the admin pages, encoded", "/%61dmin", 401],
    ["the admin pages with a slash", "/admin/", 401],
    ["the admin pages doubly slashed", "//admin", 404],
    ["a semicolon", "/admin;x=1", 404],
    ["a NUL", "/shards/a%00b", 400],
    ["a line feed", "/shards/a%0d%0aX-Evil:%201", 400],
    ["a broken escape", "/shards/%zz", 400],
    ["an overlong encoding of a slash", "/shards/a%c0%afb", 400],
    ["a lone surrogate", "/shards/%ed%a0%80", 400],
    ["a query that looks like a path", "/shards?/../admin", 200],
    ["a query of junk", "/shards?limit=5&limit=9&&&=&%ff&prefix", 200],
    ["a fragment", "/shards#/../admin", 200],
    ["a very long id", `/shards/${"a/".repeat(8_000)}a`, 400],
    ["a very long query", `/shards?x=${"y".repeat(15_000)}`, 200],
    ["a very long unknown path", `/${"z".repeat(15_000)}`, 404],
  ])("%s", async (_name, path, wanted) => {
    const response = await call(path);
    expect(response.status).toBe(wanted);
    expect(response.headers.get("X-Evil")).toBeNull();
    if (wanted >= 400) await problem(response);
    else await response.arrayBuffer();
  });

  it("cannot make a write of a read, or one resource of another", async () => {
    for (const path of ["/shards/s/one?_method=DELETE", "/shards/s/one?coherence=strong&method=PUT"])
      expect((await read(path.slice("/shards/".length))).text).toBe("one");
    expect((await call("/shards/s/one", { method: "POST", token: "write", body: "x" })).status).toBe(405);
    expect((await read("s/one")).text).toBe("one");
  });

  it("a Location never leads elsewhere", async () => {
    for (const id of ["%0d%0aevil", "https:%2f%2fevil.example", "a%22b", "%E4%B8%AD"]) {
      const response = await put(`s/${id}`, "x");
      const location = response.headers.get("Location");
      if (response.status !== 201) expect(response.status).toBe(400);
      else expect(location).toMatch(/^\/shards\/s\/[\x21-\x7e]+$/);
    }
  });
});

describe("headers kept with a shard", () => {
  it.each([
    ["Content-Type", "nonsense"],
    ["Content-Type", "text/html/plain"],
    ["Content-Type", `text/${"x".repeat(2_000)}`],
    ["Content-Type", "text/plain; title=\u00fc"],
    ["Content-Encoding", "gzip zip"],
    ["Content-Encoding", "x".repeat(9_000)],
    ["Cache-Control", `max-age=1, ${"y".repeat(2_000)}`],
    ["Cache-Control", "max-age=\u0001"],
    ["If-Match", "no-quotes"],
    ["If-None-Match", '"open'],
    ["If-None-Match", Array(500).fill('"0123456789"').join(", ")],
    ["If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"],
    ["Content-Range", "bytes 0-2/10"],
    ["Repr-Digest", "sha-256=:AAAA:"],
  ])("%s is checked before anything is stored", async (name, value) => {
    const response = await put("s/checked", "x", { [name]: value });
    expect(response.status).toBe(400);
    expect((await problem(response)).detail).toContain(`${name}:`);
    expect(await env.SHARDS.head("s/checked")).toBeNull();
  });

  it("may be as long together as R2 takes", async () => {
    const headers = {
      "Content-Type": `text/plain; x=${"t".repeat(1_900)}`,
      "Content-Encoding": "x".repeat(1_900),
      "Cache-Control": `max-age=60, ${"c".repeat(1_900)}`,
    };
    expect((await put("s/long-headers", "x", headers)).status).toBe(201);
    expect((await read("s/long-headers")).headers.get("Cache-Control")).toBe(headers["Cache-Control"]);
  });

  it.each(["If-Match", "If-None-Match", "If-Unmodified-Since"])(
    "a delete with %s is refused, since the condition could not be kept",
    async (name) => {
      await put("s/kept", "x");
      const response = await call("/shards/s/kept", {
        method: "DELETE",
        token: "write",
        headers: { [name]: '"x"' },
      });
      expect(response.status).toBe(400);
      expect(await env.SHARDS.head("s/kept")).not.toBeNull();
    },
  );
});
