import { MINUTE, SECOND } from "../../src/core/units.ts";
import type { ChainCheck, ChainFinding } from "./check.ts";
import { TaughtWorld } from "./taught-world.ts";

/** Minutes from one surge of A to the next: uneven, so that no clock tells. */
const ROUNDS = [70, 95, 80];
const LAG = 10 * MINUTE;
const USERS = 40;
const FOLLOWERS = Array.from({ length: 5 }, (_, i) => `b/${i}`);

export const announcedSurges: ChainCheck = {
  name: "a surge of one type in weur announces another's there and in oc",
  run: async () => [await surges(true), await surges(false)],
};

/** Three rounds of A, then B ten minutes later; the fourth time, what is in oc just before the first read of B there. */
async function surges(withMatrix: boolean): Promise<ChainFinding> {
  const town = new TaughtWorld({
    regions: ["weur", "oc"],
    memoryLostEvery: 25 * MINUTE,
    settings: { freshnessSeconds: 86_400, diskBytes: 0 },
    without: withMatrix ? [] : ["surges"],
  });
  const { time } = town.world;
  await town.store("a/0", ...FOLLOWERS);
  const there = await town.run(async () => {
    for (const minutes of ROUNDS) {
      const next = time.now + minutes * MINUTE;
      await surge(town, ["weur"], "A", ["a/0"]);
      await time.sleep(LAG - USERS * SECOND);
      await surge(town, ["weur", "oc"], "B", FOLLOWERS);
      await time.sleep(next - time.now);
    }
    await surge(town, ["weur"], "A", ["a/0"]);
    await time.sleep(LAG - USERS * SECOND - SECOND);
    return Promise.all(FOLLOWERS.map((id) => town.world.explain("oc", id)));
  });
  const planned = there.filter(
    ({ memory, decision }) =>
      memory?.prefetched === true &&
      decision?.reason === "scan" &&
      decision.cause?.startsWith("A surged in weur; B follows in oc") === true,
  ).length;
  const cause = there[0]?.decision?.cause ?? "none";
  return {
    what: withMatrix
      ? `B's shards in oc before its first read there, by a scan ("${cause}")`
      : "the same with the matrix off",
    measured: `${planned} of ${FOLLOWERS.length}`,
    bar: withMatrix ? `${FOLLOWERS.length}` : "0",
    held: planned === (withMatrix ? FOLLOWERS.length : 0),
  };
}

/** A user a second in each of these regions, all by events of this type. */
async function surge(
  town: TaughtWorld,
  regions: readonly ("weur" | "oc")[],
  type: string,
  shards: readonly string[],
): Promise<void> {
  for (let user = 0; user < USERS; user++) {
    for (const region of regions)
      await town.read(region, `${type}-${town.world.time.now}`, type, shards[user % shards.length] ?? "");
    await town.world.time.sleep(SECOND);
  }
}
