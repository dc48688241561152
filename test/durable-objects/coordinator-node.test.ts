import fc from "fast-check";
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
import type { Change, LoggedChanges } from "../../src/core/coherence/change.ts";
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
          hear: async ({ changes }) => void told.push(...changes.map(({ shard }) => `${name} ${shard}`)),
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
const beat = (settingsVersion = 0, at?: number) => ({
  partition: "g1:weur:0",
  region: "weur" as const,
  incarnation: 1,
  settingsVersion,
  topologyVersion: 0,
  mapVersion: 0,
  ...(at !== undefined && { at }),
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
    const { partitions } = await host.call((node) => node.announceBounded([change("b")]));
    expect(partitions).toEqual(["g1:weur:0"]);
    await host.call((node) => node.announceStrong([change("a")]));
    expect(told).toEqual(["g1:weur:0 a"]);
  });

  it("lists changes whole in the answer to a heartbeat, also after a restart", async () => {
    const { host } = coordinator();
    await host.call((node) => node.announceStrong([change("a")]));
    await host.call((node) => node.announceBounded([{ shard: "b", uploaded: 6 }]));
    host.loseMemory();
    const { logged } = await host.call((node) => node.heartbeat(beat()));
    expect(logged.changes).toEqual([change("a"), { shard: "b", uploaded: 6 }]);
    const next = await host.call((node) => node.heartbeat(beat(0, logged.upTo - 1)));
    expect(next.logged).toEqual({
      after: logged.upTo - 1,
      upTo: logged.upTo,
      changes: [{ shard: "b", uploaded: 6 }],
    });
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

describe("the change log", () => {
  const BORN = 1_000_000;
  const begin = () => {
    const storage = new SqliteStorage().view(() => false);
    migrate(storage, MIGRATIONS);
    return { storage, log: new ChangeLog(storage.sql, BORN) };
  };
  const shards = ({ changes }: LoggedChanges): string[] => changes.map(({ shard }) => shard);

  it("numbers changes without gaps, from the time of its birth on", () => {
    const { log } = begin();
    expect(log.append([change("a"), change("b")], BORN)).toEqual({
      after: BORN,
      upTo: BORN + 2,
      changes: [change("a"), change("b")],
    });
    expect(log.append([change("c")], BORN)).toMatchObject({ after: BORN + 2, upTo: BORN + 3 });
  });

  it("gives no number twice, whatever restarts and prunes it", () => {
    const counts = fc.array(fc.constantFrom(0, 1, 3, 1_000), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(counts, (sizes) => {
        const { storage, log } = begin();
        let [next, now] = [log, BORN];
        let last = BORN;
        for (const size of sizes) {
          const changes = Array.from({ length: size }, (_, i) => change(`shard/${i}`));
          const { after, upTo } = next.append(changes, now);
          expect([after, upTo]).toEqual([last, last + size]);
          last = upTo;
          now -= 5 * SECOND;
          next = new ChangeLog(storage.sql, now);
        }
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  it("tells all that came after a number it still reaches back to", () => {
    const { log } = begin();
    log.append([change("a"), change("b"), change("c")], BORN);
    expect(shards(log.since(BORN, BORN))).toEqual(["a", "b", "c"]);
    expect(log.since(BORN + 2, BORN)).toEqual({ after: BORN + 2, upTo: BORN + 3, changes: [change("c")] });
    expect(log.since(BORN + 3, BORN)).toEqual({ after: BORN + 3, upTo: BORN + 3, changes: [] });
  });

  it("tells whoever has heard nothing yet what happened in the last minute", () => {
    const { log } = begin();
    log.append([change("old")], BORN);
    log.append([change("new")], BORN + 40 * SECOND);
    expect(shards(log.since(undefined, BORN + 50 * SECOND))).toEqual(["old", "new"]);
    const later = log.since(undefined, BORN + 1 + CHANGES_WINDOW);
    expect([later.after, shards(later)]).toEqual([BORN + 1, ["new"]]);
  });

  it("says from where on it is complete once it has forgotten more", () => {
    const { log } = begin();
    for (let i = 0; i < 2_100; i++) log.append([change(`shard/${i}`)], BORN + i);
    const head = BORN + 2_100;
    expect(log.since(BORN + 100, BORN + 2_100).changes).toHaveLength(2_000);
    const { after, upTo, changes } = log.since(BORN + 99, BORN + 2_100);
    expect([after, upTo]).toEqual([BORN + 100, head]);
    expect(changes[0]).toEqual(change("shard/100"));
    expect(log.since(head + 1, BORN).after).toBeGreaterThanOrEqual(BORN + 100);
  });
});
