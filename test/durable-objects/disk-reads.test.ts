import { expect, it } from "vitest";
import { buildReadRequest } from "../../src/contract/partition-protocol.ts";
import { Bench } from "./bench.ts";

it("reads a copy from SQLite once for all who want it at once", async () => {
  const bench = new Bench();
  await bench.put("d/1", "bytes", { cacheControl: "max-age=3600" });
  for (let i = 0; i < 3; i++) await bench.read("d/1");
  await bench.partition.alarm();
  let chunkReads = 0;
  bench.wrapStorage = (view) => ({
    ...view,
    sql: {
      exec(query, ...bindings) {
        if (query.startsWith("SELECT data FROM chunks")) chunkReads++;
        return view.sql.exec(query, ...bindings);
      },
    },
  });
  bench.evict();
  bench.r2.calls.length = 0;
  const request = (): Request =>
    buildReadRequest({
      id: "d/1",
      method: "GET",
      user: "ada",
      eventType: "read",
      region: "weur",
      bypass: false,
      conditions: {},
    });
  const responses = await Promise.all(Array.from({ length: 20 }, () => bench.partition.fetch(request())));
  expect(responses.map((response) => response.headers.get("Cache-Status"))).toEqual(
    Array.from({ length: 20 }, () => "Foreshard; hit; detail=disk"),
  );
  expect([chunkReads, bench.r2.calls]).toEqual([1, []]);
});
