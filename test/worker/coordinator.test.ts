import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../../src/contract/messages.ts";
import { noCounts } from "../../src/core/reporting/read-counts.ts";
import { emptyReport } from "../support/empty-report.ts";
import { call, coordinator, eventually, partition, put, read, status } from "./support.ts";

const report = (sequence: number, overrides: Partial<Report> = {}): Report =>
  emptyReport({
    sequence,
    time: Date.now(),
    names: ["e:login", "s:profile/home", "e:read"],
    seen: [[1, 8]],
    edges: [
      [0, 1, 8, 80],
      [0, 2, 8, 80],
    ],
    rates: [
      [0, Math.floor(Date.now() / 10_000), 10],
      [2, Math.floor(Date.now() / 10_000), 90],
    ],
    demand: [[1, 8]],
    totals: { ...noCounts(), reads: 8, hits: 7, misses: 1, bytes: 800 },
    ...overrides,
  });

const admin = async <T>(path: string): Promise<T> =>
  (await call(`/admin/api/${path}`, { token: "admin" })).json<T>();
type MapAnswer = { map: Record<string, unknown> };

beforeAll(async () => {
  await coordinator().forget();
});

describe("the shared model", () => {
  it("counts each report once, however often and in whatever order it is delivered", async () => {
    expect(await coordinator().applyReports([report(2), report(0), report(2), report(1), report(0)])).toBe(3);
    expect(await coordinator().applyReports([report(1)])).toBe(0);
    const { map } = await admin<MapAnswer>("map");
    expect(map).toMatchObject({
      login: { "profile/home": { targetPartition: "g1:weur:0", expectedDelay: expect.any(Number) } },
    });
  });

  it("survives a restart of the coordinator", async () => {
    const before = await admin<MapAnswer>("map");
    await runDurableObjectAlarm(coordinator());
    await evictDurableObject(coordinator());
    const after = await admin<MapAnswer>("map");
    expect(Object.keys(after.map)).toEqual(Object.keys(before.map));
    expect(await coordinator().applyReports([report(2)])).toBe(0);
  });

  it("starts anew when its stored state is damaged, and says so", async () => {
    await runInDurableObject(coordinator(), (_object, state) => {
      state.storage.sql.exec("UPDATE blobs SET data = ? WHERE part = 0", new Uint8Array([1, 2, 3]).buffer);
    });
    await evictDurableObject(coordinator());
    expect((await coordinator().overview()).learnedStateWasDamaged).toBe(true);
    expect(await coordinator().applyReports([report(7)])).toBe(1);
  });
});

describe("queues", () => {
  it("carries what a partition learned to the coordinator and the map", async () => {
    await coordinator().forget();
    for (const id of ["t/1", "t/2"]) await put(id, id);
    for (let i = 0; i < 6; i++)
      for (const [id, event] of [
        ["t/1", "open"],
        ["t/2", "view"],
      ] as const)
        await read(id, { user: `u${i}`, event });
    await eventually(async () => ((await runDurableObjectAlarm(partition())) ? true : null));
    await eventually(async () => ("open" in (await admin<MapAnswer>("map")).map ? true : null), 400);
    const { correlations } = await admin<{ correlations: unknown[] }>("correlations");
    expect(correlations).toContainEqual(expect.objectContaining({ type: "open", next: "view" }));
  });

  it("delivers a prefetch to its partition, and drops one that expired", async () => {
    // Not announced: news of a write would end a fetch of it that is under way.
    for (const id of ["p/wanted", "p/expired"]) await env.SHARDS.put(id, id);
    const now = Date.now();
    const item = (shard: string, expires: number) => ({ shard, probability: 0.9, arrival: now, expires });
    const { prefetchesIssued: issued } = (await status()).counts;
    await env.PREFETCH.send({
      partition: "g1:weur:0",
      reason: "predicted",
      prefetches: [item("p/expired", now - 1), item("p/wanted", now + 60_000)],
    });
    await eventually(async () => ((await status()).counts.prefetchesIssued > issued ? true : null), 400);
    await eventually(async () => ((await status()).prefetchQueue.inFlight === 0 ? true : null));
    expect((await read("p/wanted")).cache).toBe("Foreshard; hit; detail=prefetched");
    expect((await read("p/expired")).cache).toBe("Foreshard; fwd=uri-miss; stored");
  });

  it("puts a message that does not parse where people can see it", async () => {
    await env.EVENTS.send({ partition: "nonsense" } as never);
    const letter = await eventually(async () => {
      const { deadLetters } = await admin<{
        deadLetters: { queue: string; fault: string }[];
      }>("dead-letters");
      return deadLetters[0] ?? null;
    }, 400);
    expect(letter.queue).toBe("foreshard-events");
    expect(letter.fault).toContain("partition");
  });
});

describe("what was learned in one region", () => {
  it("is used in another: its first user finds the second shard prefetched", async () => {
    await coordinator().forget();
    for (const id of ["n/1", "n/2"]) await put(id, id, { "Cache-Control": "immutable" });
    for (let i = 0; i < 8; i++)
      for (const id of ["n/1", "n/2"]) await read(id, { user: `u${i}`, region: "apac" });
    await eventually(async () => ((await runDurableObjectAlarm(partition("g1:apac:0"))) ? true : null));
    await eventually(async () => {
      const { outcomes } = await admin<{ outcomes: { region: string }[] }>("learning");
      return outcomes.some(({ region }) => region === "apac") ? true : null;
    }, 400);
    await scheduler.wait(2_100); // Slices are made anew every two seconds.
    await read("elsewhere", { region: "apac-se" }); // Registers the region's partition, which then hears the slice.
    await put("n/warmup", "x");
    await read("n/warmup", { region: "apac-se", user: "first" });
    await eventually(async () => ((await status("g1:apac-se:0")).mapVersion > 0 ? true : null));
    await read("n/1", { region: "apac-se", user: "newcomer" });
    await eventually(async () => ((await status("g1:apac-se:0")).counts.prefetchesIssued > 0 ? true : null));
    await eventually(async () => ((await status("g1:apac-se:0")).prefetchQueue.inFlight === 0 ? true : null));
    expect((await read("n/2", { region: "apac-se", user: "newcomer" })).cache).toBe(
      "Foreshard; hit; detail=prefetched",
    );
  });
});

describe("placement", () => {
  it("warms the hottest shards of a region there and releases those that are pinned no longer", async () => {
    await coordinator().forget();
    await put("h/pinned", "pinned");
    await put("h/hot", "hot");
    for (let i = 0; i < 5; i++) await read("h/hot", { region: "wnam" });
    await eventually(async () => ((await runDurableObjectAlarm(partition("g1:wnam:0"))) ? true : null));
    await call("/admin/api/settings", {
      method: "PUT",
      token: "admin",
      body: JSON.stringify({ pinned: ["h/pinned"] }),
    });
    const moves = await eventually(async () => {
      await env.COORDINATOR.getByName("main").rebalance();
      const { placement } = (await admin("placement")) as unknown as { placement: Record<string, string[]> };
      return placement.wnam?.includes("h/hot") ? placement.wnam : null;
    }, 400);
    expect(moves).toContain("h/pinned");
    await eventually(
      async () => ((await status("g1:wnam:0")).counts.prefetchesIssued > 0 ? true : null),
      400,
    );
    await eventually(async () => ((await status("g1:wnam:0")).prefetchQueue.inFlight === 0 ? true : null));
    expect((await read("h/pinned", { region: "wnam" })).cache).toBe("Foreshard; hit; detail=prefetched");
    await call("/admin/api/settings", {
      method: "PUT",
      token: "admin",
      body: JSON.stringify({ pinned: [] }),
    });
    const released = await coordinator().rebalance();
    expect(released.find(({ region }) => region === "wnam")?.release).toContain("h/pinned");
  });
});

it("shows the admin page with its tables, to admins only", async () => {
  const page = await call("/admin", { headers: { Authorization: `Basic ${btoa("anyone:admin")}` } });
  expect(page.status).toBe(200);
  const body = await page.text();
  for (const heading of [
    "Partitions",
    "Prefetch probability map",
    "Correlation matrix",
    "Placement",
    "Settings",
  ])
    expect(body).toContain(heading);
  expect(body).not.toContain("<script");
  expect(page.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
});
