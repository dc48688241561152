import { describe, expect, it } from "vitest";
import { ChangeLog } from "../../durable-objects/coordinator/change-log.ts";
import { CoordinatorNode } from "../../durable-objects/coordinator/coordinator-node.ts";
import type { QueuedPrefetch } from "../../durable-objects/coordinator/prefetch-sender.ts";
import { migrate } from "../../migrations/migrate.ts";
import { NodeHost } from "../../simulator/platform/node-host.ts";
import { Prng } from "../../simulator/platform/prng.ts";
import { migrationsOf, SqliteStorage } from "../../simulator/platform/sqlite-storage.ts";
import { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import { DEFAULT_SETTINGS } from "../../src/contract/settings.ts";
import type { Change } from "../../src/core/coherence/change.ts";
import { CHANGES_WINDOW } from "../../src/core/coherence/lease.ts";
import { noCounts } from "../../src/core/reporting/read-counts.ts";
import { emptyReport } from "../support/empty-report.ts";

const SECOND = 1_000;
const MIGRATIONS = migrationsOf("coordinator");

/** A coordinator, whose partitions note what they are told, and which notes what it sends to the queue. */
function coordinator() {
  const time = new VirtualTime();
  const told: string[] = [];
  const sent: QueuedPrefetch[] = [];
  const host = new NodeHost({
    time,
    prng: new Prng(1),
    make: ({ storage, clock }) =>
      new CoordinatorNode({
        storage,
        clock,
        migrations: MIGRATIONS,
        readSettings: async () => settings(3, 30),
        partition: (name) => ({
          invalidate: async (changes) => void told.push(...changes.map(({ shard }) => `${name} ${shard}`)),
          forget: async () => undefined,
        }),
        sendPrefetchBatch: async (batch) => void sent.push(...batch),
      }),
  });
  return { time, host, told, sent };
}

const settings = (version: number, freshnessSeconds: number) => ({
  version,
  settings: { ...DEFAULT_SETTINGS, freshnessSeconds },
});
const beat = (settingsVersion = 0, sinceLast?: number) => ({
  partition: "g1:weur:0",
  region: "weur" as const,
  incarnation: 1,
  settingsVersion,
  mapVersion: 0,
  ...(sinceLast !== undefined && { sinceLast }),
});
const change = (shard: string): Change => ({ shard, etag: '"1"', version: "v", uploaded: 5 });

describe("the coordinator", () => {
  it("takes newer settings, and no older ones that arrive later", async () => {
    const { host } = coordinator();
    const known = () => host.call(async (node) => (await node.routingState()).settings);
    expect(await known()).toEqual(settings(3, 30));
    await host.call((node) => node.settingsChanged(settings(5, 50)));
    expect(await known()).toEqual(settings(5, 50));
    await host.call((node) => node.settingsChanged(settings(4, 40)));
    expect(await known()).toEqual(settings(5, 50));
    expect((await host.call((node) => node.heartbeat(beat(5)))).settings).toBeUndefined();
    expect((await host.call((node) => node.heartbeat(beat(4)))).settings).toEqual(settings(5, 50));
  });

  it("knows after a restart who may serve copies, and tells them of strong writes", async () => {
    const { host, told } = coordinator();
    await host.call((node) => node.heartbeat(beat()));
    host.loseMemory();
    expect(await host.call((node) => node.leasedMembers())).toEqual(["g1:weur:0"]);
    await host.call((node) => node.announceStrong([change("a")]));
    expect(told).toEqual(["g1:weur:0 a"]);
  });

  it("lists strong writes whole in the answer to a heartbeat, also after a restart", async () => {
    const { host } = coordinator();
    await host.call((node) => node.announceStrong([change("a")]));
    await host.call((node) => node.announceStrong([{ shard: "b", uploaded: 6 }]));
    host.loseMemory();
    const { changes } = await host.call((node) => node.heartbeat(beat()));
    expect(changes).toEqual([change("a"), { shard: "b", uploaded: 6 }]);
  });

  it("counts a report once, however often it is delivered", async () => {
    const { host } = coordinator();
    const report = emptyReport({ totals: { ...noCounts(), reads: 8 } });
    expect(await host.call((node) => node.applyReports([report, report]))).toBe(1);
    expect(await host.call((node) => node.applyReports([report]))).toBe(0);
    const { totals } = await host.call((node) => node.overview());
    expect(totals.map(({ counts }) => counts.reads)).toEqual([8]);
  });
});

describe("scans", () => {
  const TICK = 10 * SECOND;
  /** A report of what users of a region did in one tick. */
  const tickOf = (region: "weur" | "oc", type: string, time: number) =>
    emptyReport({
      partition: `g1:${region}:0`,
      region,
      sequence: time,
      time,
      names: [`e:${type}`, `s:${type}/1`],
      seen: [[1, 20]],
      edges: [[0, 1, 20, 0]],
      rates: [[0, Math.floor(time / TICK) - 1, 20]],
      demand: [[1, 20]],
    });

  it("run at once when a surge begins, and send what it announces to a region that is silent, in time", async () => {
    const { time, host, sent } = coordinator();
    const apply = (region: "weur" | "oc", type: string) =>
      host.call((node) => node.applyReports([tickOf(region, type, Math.floor(time.now / TICK) * TICK)]));
    const surge = async (region: "weur" | "oc", type: string) => {
      for (let tick = 0; tick < 6; tick++) {
        await apply(region, type);
        await time.sleep(TICK);
      }
    };
    const script = async (): Promise<void> => {
      await host.call((node) => node.heartbeat({ ...beat(), partition: "g1:oc:0", region: "oc" }));
      for (const hours of [2, 3, 1.5]) {
        const next = time.now + hours * 3_600 * SECOND;
        await surge("weur", "A");
        await time.sleep(9 * 60 * SECOND);
        await surge("oc", "B");
        await time.sleep(next - time.now);
      }
      sent.length = 0;
      await surge("weur", "A");
    };
    let isOver = false;
    void script().then(() => {
      isOver = true;
    });
    await time.run(() => isOver);
    const announced = sent.filter(({ body }) =>
      body.prefetches.some(({ cause }) => cause?.startsWith("A surged")),
    );
    expect(announced.map(({ body }) => [body.partition, body.reason])).toEqual([["g1:oc:0", "scan"]]);
    expect(announced[0]?.body.prefetches.map(({ shard }) => shard)).toEqual(["B/1"]);
    expect(announced[0]?.delaySeconds).toBeGreaterThan(6 * 60);
    expect(announced[0]?.delaySeconds).toBeLessThan(10 * 60);
  });
});

describe("the log of strong writes", () => {
  const log = () => {
    const view = new SqliteStorage().view(() => false);
    migrate(view, MIGRATIONS);
    return new ChangeLog(view.sql);
  };

  it("tells what happened within the window, and that it is complete so far back", () => {
    const recent = log();
    recent.add([change("old")], 0);
    recent.add([change("new")], 40 * SECOND);
    expect(recent.since(30 * SECOND, 50 * SECOND)).toEqual({
      changes: [change("new")],
      coverage: 30 * SECOND,
    });
    const all = recent.since(1e9, 50 * SECOND);
    expect([all.changes.length, all.coverage]).toEqual([2, CHANGES_WINDOW]);
  });

  it("claims no more than it still lists once it is full", () => {
    const recent = log();
    for (let i = 0; i < 1_100; i++) recent.add([change(`shard/${i}`)], i * 10);
    const { changes, coverage } = recent.since(CHANGES_WINDOW, 11 * SECOND);
    expect(changes).toHaveLength(1_000);
    // The oldest that is listed was added after a second: of what was before, nothing is known.
    expect(coverage).toBe(10 * SECOND);
  });
});
