import { describe, expect, it } from "vitest";
import { World } from "../../simulator/world/world.ts";
import { homeOf, ownerOf } from "../../src/core/routing/route.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";

const SLOTS = 4;
const TOPOLOGY = { version: 1, regions: { weur: { generation: 1, slots: SLOTS } } };
const ownerOfShard = (id: string): string => ownerOf("weur", id, "", TOPOLOGY).name;
const homeOfUser = (user: string): string => homeOf("weur", user, TOPOLOGY).name;

/** A pair of shards of two owners, and users whose home is a third. */
const [FIRST, NEXT] = ["page", "page/part"];
const USERS = Array.from({ length: 400 }, (_, i) => `reader-${i}`).filter(
  (user) => ![ownerOfShard(FIRST), ownerOfShard(NEXT)].includes(homeOfUser(user)),
);

async function inTown<T>(
  script: (world: World, read: (user: string, id: string) => Promise<string>) => Promise<T>,
) {
  const stored = new MemoryShardStore(() => 0);
  const others = Array.from({ length: 300 }, (_, i) => `other/${i}`);
  for (const id of [FIRST, NEXT, ...others]) await stored.put(id, new Uint8Array(64));
  const world = new World({
    regions: ["weur"],
    slots: SLOTS,
    store: () => stored,
    settings: { memoryBytes: 2_560, diskBytes: 0, freshnessSeconds: 86_400 },
    deltas: false,
    reasons: ["predicted"],
  });
  const read = (user: string, id: string): Promise<string> =>
    world.read("weur", {
      id,
      user,
      eventType: "read",
      region: "weur",
      method: "GET",
      bypass: false,
      conditions: {},
    });
  let result: T | undefined;
  let isOver = false;
  const play = async (): Promise<void> => {
    await world.begin();
    result = await script(world, read);
    isOver = true;
  };
  const ended = play();
  await world.time.run(() => isOver);
  await ended;
  return result as T;
}

describe("partitions of one region", () => {
  it("are chosen so that shards and users of the test live apart", () => {
    expect(new Set([ownerOfShard(FIRST), ownerOfShard(NEXT)]).size).toBe(2);
    expect(USERS.length).toBeGreaterThan(60);
  });

  it("learn from a user at home, and fetch ahead where the shard belongs", async () => {
    const { status, decision, elsewhere } = await inTown(async (world, read) => {
      let other = 0;
      for (const user of USERS.slice(0, 40)) {
        for (const id of [FIRST, NEXT]) {
          await read(user, id);
          await world.time.sleep(500);
        }
        for (let i = 0; i < 20; i++) await read(`noise-${other}`, `other/${(other++ * 7_919) % 300}`);
        await world.time.sleep(500);
      }
      const change = { shard: NEXT, uploaded: world.time.now };
      await world.callPartition(ownerOfShard(NEXT), (node) => node.invalidate([change]));
      await read(USERS[50] as string, FIRST);
      await world.time.sleep(500);
      const explained = await world.callPartition(ownerOfShard(NEXT), (node) => node.explain(NEXT));
      const others = await world.callPartition(ownerOfShard(FIRST), (node) => node.explain(NEXT));
      return {
        status: await read(USERS[50] as string, NEXT),
        decision: explained.decision,
        elsewhere: others.memory,
      };
    });
    expect(decision).toMatchObject({ reason: "neighbour" });
    expect(status).toBe("Foreshard; hit; detail=prefetched");
    expect(elsewhere).toBeNull();
  });

  it("count each event once, whoever answered it", async () => {
    const counts = await inTown(async (world, read) => {
      for (const user of USERS.slice(0, 10)) for (const id of [FIRST, NEXT]) await read(user, id);
      await world.time.sleep(1_000);
      return world.counts();
    });
    expect([counts.reads, counts.eventsLearned]).toEqual([20, 20]);
  });
});
