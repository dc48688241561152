import { afterEach, expect, it, vi } from "vitest";
import { Coordinator } from "../../durable-objects/coordinator.ts";
import { call, coordinator, eventually, partition, put, read, status } from "./support.ts";

const METHODS = [
  "heartbeat",
  "applyReports",
  "routingState",
  "announceStrong",
  "announceBounded",
  "members",
  "overview",
] as const;

/** From now on the coordinator fails on every call. */
function breakCoordinator(): void {
  for (const method of METHODS)
    vi.spyOn(Coordinator.prototype, method).mockImplementation(() => {
      throw new Error("the coordinator is gone");
    });
}

afterEach(() => {
  vi.restoreAllMocks();
});

it("reads and local prefetching go on while the coordinator fails on every call, and it catches up after", async () => {
  breakCoordinator();
  for (const id of ["cg/1", "cg/2"]) await put(id, id, { "Cache-Control": "immutable" });
  for (let i = 0; i < 30; i++) {
    for (const id of ["cg/1", "cg/2"]) {
      expect((await read(id, { user: `reader-${i}` })).status).toBe(200);
      await scheduler.wait(25);
    }
    await partition().invalidate([{ shard: "cg/2", uploaded: Date.now() }]);
  }
  const broken = await status();
  expect(broken.counts.prefetchesIssued).toBeGreaterThan(0);
  expect(broken.counts.faults).toBeGreaterThan(0);
  const strong = await call("/shards/cg/3?coherence=strong", { method: "PUT", body: "x", token: "write" });
  expect(strong.status).toBe(503);

  vi.restoreAllMocks();
  expect((await read("cg/3")).text).toBe("x");
  await eventually(async () => {
    await read("cg/1");
    return (await coordinator().members()).includes("g1:weur:0") ? true : null;
  });
});

it("without a lease, copies are checked with R2 before they are served", async () => {
  await put("cg/4", "one", { "Cache-Control": "max-age=3600" });
  await read("cg/4", { region: "oc" });
  breakCoordinator();
  // A region whose partition never had a lease.
  await read("cg/4", { region: "sam" });
  expect((await read("cg/4", { region: "sam" })).cache).toBe("Foreshard; fwd=stale");
});

it("the admin API says that the coordinator is away, and when to try again", async () => {
  breakCoordinator();
  const response = await call("/admin/api/partitions", { token: "admin" });
  expect(response.status).toBe(503);
  expect(response.headers.get("Retry-After")).toBe("5");
});
