import { runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { buildReadRequest } from "../../src/contract/partition-protocol.ts";
import { readOf } from "../support/read-of.ts";
import { eventually, partition, put, read } from "./support.ts";

const READ = buildReadRequest(readOf("hp/1"));

/** Every way out of a partition, as `[object, method]`: its storage, R2, the coordinator and the queues. */
function waysOut(instance: object, storage: DurableObjectStorage): [Record<string, unknown>, string][] {
  const env: unknown = Reflect.get(instance, "env");
  const binding = (name: string): Record<string, unknown> =>
    typeof env === "object" && env !== null ? Reflect.get(env, name) : {};
  const own = storage as unknown as Record<string, unknown>;
  const sql = storage.sql as unknown as Record<string, unknown>;
  return [
    ...["get", "head", "put", "delete", "list"].map(
      (method) => [binding("SHARDS"), method] as [typeof own, string],
    ),
    [binding("COORDINATOR"), "getByName"],
    [binding("COORDINATOR"), "get"],
    [binding("SETTINGS"), "get"],
    [binding("EVENTS"), "send"],
    [binding("PREFETCH"), "send"],
    [binding("CHANGES"), "send"],
    ...["put", "get", "delete", "setAlarm", "transactionSync", "transaction"].map(
      (method) => [own, method] as [typeof own, string],
    ),
    [sql, "exec"],
  ];
}

/** Calls made on any way out while `work` runs, behind its responses included. */
async function callsDuring(
  work: (instance: { fetch(request: Request): Promise<Response> }) => Promise<void>,
) {
  return runInDurableObject(partition(), async (instance, state) => {
    const spies = waysOut(instance, state.storage).map(([object, method]) => ({
      method,
      spy: vi.spyOn(object as Record<string, () => void>, method),
    }));
    await work(instance);
    await scheduler.wait(50);
    const made = spies.filter(({ spy }) => spy.mock.calls.length > 0).map(({ method }) => method);
    for (const { spy } of spies) spy.mockRestore();
    return made;
  });
}

it("a hit makes no storage write, no R2 call and no RPC", async () => {
  await put("hp/1", "hit me", { "Cache-Control": "max-age=3600" });
  await eventually(async () => ((await read("hp/1")).cache === "Foreshard; hit" ? true : null));
  await scheduler.wait(100); // The alarm and the heartbeat that the first reads set in motion are over.
  const statuses = new Set<string | null>();
  const calls = await callsDuring(async (instance) => {
    for (let i = 0; i < 100; i++) {
      const response = await instance.fetch(READ.clone());
      statuses.add(response.headers.get("Cache-Status"));
      await response.arrayBuffer();
    }
  });
  expect([...statuses]).toEqual(["Foreshard; hit"]);
  expect(calls).toEqual([]);
});

it("a miss is seen by the same count, so that the count means something", async () => {
  await put("hp/2", "miss me");
  const calls = await callsDuring(async (instance) => {
    const miss = buildReadRequest({
      id: "hp/2",
      method: "GET",
      user: "ada",
      eventType: "read",
      region: "weur",
      bypass: false,
      conditions: {},
    });
    await (await instance.fetch(miss)).arrayBuffer();
  });
  expect(calls).toContain("get");
});
