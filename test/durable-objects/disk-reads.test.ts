import { expect, it } from "vitest";
import { Bench } from "./bench.ts";

it("reads a copy from SQLite once for all who want it at once", async () => {
  const bench = new Bench();
  await bench.put("d/1", "bytes", { cacheControl: "max-age=3600" });
  for (let i = 0; i < 3; i++) await bench.read("d/1");
  await bench.housekeep();
  await bench.pass(1_000);
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
  bench.asked.length = 0;
  const answers = await bench.run(Promise.all(Array.from({ length: 20 }, () => bench.ask("d/1"))));
  expect(answers.map(({ cache }) => cache)).toEqual(
    Array.from({ length: 20 }, () => "Foreshard; hit; detail=disk"),
  );
  expect([chunkReads, bench.asked]).toEqual([1, []]);
});
