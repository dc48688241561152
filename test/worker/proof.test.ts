import { describe, expect, it } from "vitest";
import { isControl } from "../../src/core/experiment/control-arm.ts";
import { call, eventually, partition, put, read, status } from "./support.ts";

const admin = async <T>(path: string): Promise<T> =>
  (await call(`/admin/api/${path}`, { token: "admin" })).json<T>();
const controlUser = Array.from({ length: 1_000 }, (_, i) => `user-${i}`).find(isControl) ?? "";

describe("the control arm", () => {
  it("is measured beside the others, and the estimate is in the admin API", async () => {
    await put("a/1", "x", { "Cache-Control": "immutable" });
    await read("a/1", { user: "treated" });
    for (let i = 0; i < 3; i++) await read("a/1", { user: controlUser });
    // It comes with the partition's report.
    const proof = await eventually(async () => {
      const asked = await admin<{
        total: { counts: { control: { requests: number }; treated: { requests: number } }; estimate: object };
      }>("proof");
      return asked.total.counts.control.requests > 0 ? asked : null;
    }, 600);
    expect(proof.total.counts.control.requests).toBeCloseTo(3, 3);
    expect(proof.total.counts.treated.requests).toBeCloseTo(1, 3);
    expect(proof.total.estimate).toMatchObject({ savings: null, needed: 200 });
  });
});

describe("explaining", () => {
  it("says why a shard is here, and what was decided about it", async () => {
    for (const id of ["e/1", "e/2"]) await put(id, id, { "Cache-Control": "immutable" });
    for (let i = 0; i < 30; i++) {
      for (const id of ["e/1", "e/2"]) {
        await read(id, { user: `reader-${i}` });
        await scheduler.wait(30);
      }
      await partition().invalidate([{ shard: "e/2", uploaded: Date.now() }]);
    }
    await eventually(async () => ((await status()).counts.prefetchesIssued > 0 ? true : null));
    const held = await admin<object>("explain?shard=e/1&partition=g1:weur:0");
    expect(held).toMatchObject({ shard: "e/1", memory: { prefetched: false, bytes: 3 }, disk: false });
    const decided = await admin<{ decision: { outcome: string } }>("explain?shard=e/2&partition=g1:weur:0");
    expect(decided.decision).toMatchObject({ event: "read", after: "e/1", probability: expect.any(Number) });
    expect(["pending", "held", "used", "late", "unused"]).toContain(decided.decision.outcome);
  });

  it("refuses what it cannot explain, and creates no partition by being asked", async () => {
    expect((await call("/admin/api/explain?shard=../x&partition=g1:weur:0", { token: "admin" })).status).toBe(
      400,
    );
    expect((await call("/admin/api/explain?shard=x&partition=mars", { token: "admin" })).status).toBe(400);
    expect((await call("/admin/api/explain?shard=x&partition=g7:oc:3", { token: "admin" })).status).toBe(404);
  });
});
