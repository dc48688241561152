import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { call, eventually, partition, put, read, status } from "./support.ts";

/** Runs the housekeeping that is due a few seconds after activity. */
async function housekeeping(): Promise<void> {
  await eventually(async () => ((await runDurableObjectAlarm(partition())) ? true : null));
}

/** Reads two shards one after the other, over and over, so that the second is known to follow. */
async function teach(): Promise<void> {
  for (const id of ["m/1", "m/2"]) await put(id, id, { "Cache-Control": "immutable" });
  for (let i = 0; i < 12; i++) {
    for (const id of ["m/1", "m/2"]) {
      await read(id, { user: `teacher-${i}` });
      await scheduler.wait(20);
    }
    await partition().invalidate([{ shard: "m/2", uploaded: Date.now() }]);
  }
  await scheduler.wait(50);
}

interface Arms {
  readonly treated: { readonly requests: number };
  readonly control: { readonly requests: number };
}

/** Requests in both arms, as the admin API has them. */
async function proven(): Promise<number> {
  const { total } = await (await call("/admin/api/proof", { token: "admin" })).json<{
    total: { counts: Arms };
  }>();
  return Math.round(total.counts.treated.requests + total.counts.control.requests);
}

it("what was learned and counted is there when the object left memory and came back, and is proven as before", async () => {
  await teach();
  await housekeeping();
  const { treatedRequests, controlRequests } = (await status()).counts;
  // The report goes by queue.
  await eventually(async () => ((await proven()) === treatedRequests + controlRequests ? true : null), 600);
  const before = await status();
  const explained = (await partition().explain("m/2")).engine;
  await evictDurableObject(partition());

  const after = await status();
  expect(after.incarnation).not.toBe(before.incarnation);
  expect([after.counts, after.reportsSent]).toEqual([before.counts, before.reportsSent]);
  expect((await partition().explain("m/2")).engine).toMatchObject({
    demands: explained.demands,
    probability: explained.probability,
  });
  expect(await proven()).toBe(treatedRequests + controlRequests);
  await read("m/1", { user: "pupil" });
  await eventually(async () => {
    const { decision } = await partition().explain("m/2");
    return decision?.reason === "predicted" && decision.after === "m/1" ? true : null;
  });
});

it("a mind that is damaged is dropped and counted, and the partition goes on", async () => {
  await runInDurableObject(partition(), async (_object, state) => {
    const mind = structuredClone(
      state.storage.kv.get<{ content: { engine: { predictor: { arrival: Float64Array } } } }>("mind"),
    );
    if (mind === undefined) throw new Error("there is no mind");
    mind.content.engine.predictor.arrival[3] = 7;
    await state.storage.put("mind", mind);
  });
  await evictDurableObject(partition());
  expect((await status()).counts).toMatchObject({ reads: 0, faults: 1 });
  expect((await read("m/1")).text).toBe("m/1");
});

it("a sibling hands out what it learned, by RPC", async () => {
  await read("m/1");
  await eventually(async () => ((await status()).counts.eventsLearned > 0 ? true : null));
  const mind = await partition().mind();
  expect(mind?.content.predictor.shards.texts).toContain("m/1");
});
