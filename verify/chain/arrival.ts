import { SECOND } from "../../src/core/units.ts";
import type { ChainCheck, ChainFinding } from "./check.ts";
import { TaughtWorld } from "./taught-world.ts";

/** What follows what, and after how long. */
const SOON = { first: "a", next: "b", after: SECOND } as const;
const LATE = { first: "p", next: "q", after: 59 * SECOND } as const;
const VISITS = 12;
const MAX_ERROR = 0.3;
const MAX_EARLY = 20 * SECOND;

/** Every relation has a delay of its own, which decides when what follows is fetched, and by which way. */
export const ARRIVAL: ChainCheck = {
  name: "every relation has its own delay",
  run: async () => {
    const { soon, late, queued, before, status } = await play();
    return [
      delayFinding(SOON, soon),
      delayFinding(LATE, late),
      {
        what: `${LATE.next}, due in ${LATE.after / SECOND} s: goes through the queue`,
        measured: queued ? "yes" : "no",
        bar: "yes",
        held: queued,
      },
      {
        what: `${LATE.next}: there before it is asked for by`,
        measured: `${(before / SECOND).toFixed(1)} s; ${status}`,
        bar: `0 to ${MAX_EARLY / SECOND} s; prefetched`,
        held: before > 0 && before <= MAX_EARLY && status.includes("prefetched"),
      },
    ];
  },
};

function delayFinding({ next, after }: typeof SOON | typeof LATE, measured: number): ChainFinding {
  return {
    what: `expected delay of ${next}, ms`,
    measured: measured.toFixed(0),
    bar: `${after} ± ${100 * MAX_ERROR} %`,
    held: Math.abs(measured / after - 1) <= MAX_ERROR,
  };
}

async function play() {
  const queued = new Set<string>();
  const town = new TaughtWorld({
    regions: ["weur"],
    settings: { diskBytes: 0, memoryBytes: 2_048 },
    onQueued: ({ prefetches }) => {
      for (const { shard } of prefetches) queued.add(shard);
    },
  });
  const { world } = town;
  const { time } = world;
  await town.store("a", "b", "p", "q", ...Array.from({ length: 400 }, (_, i) => `other/${i}`));
  let other = 0;
  /** Others read something meanwhile. */
  const others = async (until: number): Promise<void> => {
    for (; time.now < until; other++) {
      await town.read("weur", `other-${other % 7}`, "read", `other/${(other * 7919) % 400}`);
      await time.sleep(Math.min(3 * SECOND, Math.max(1, until - time.now)));
    }
  };
  const visit = async (user: string, { first, next, after }: typeof SOON | typeof LATE): Promise<string> => {
    const asked = time.now;
    await town.read("weur", user, "read", first);
    await others(asked + after);
    const status = await town.read("weur", user, "read", next);
    await rewrite(next);
    return status;
  };
  /** Written anew, so that whoever wants it next has to have it fetched. */
  const rewrite = async (shard: string): Promise<void> => {
    const change = { shard, uploaded: time.now };
    await world.callPartition("g1:weur:0", (node) => node.invalidate([change]));
  };
  return town.run(async () => {
    for (let i = 0; i < VISITS; i++) {
      await visit(`u${i}`, SOON);
      await visit(`v${i}`, LATE);
    }
    const soon = await delayOf(SOON);
    const late = await delayOf(LATE);
    await quiet();
    const asked = time.now;
    await town.read("weur", "new", "read", LATE.first);
    let arrivedAt = Number.POSITIVE_INFINITY;
    for (; time.now < asked + LATE.after; await others(time.now + SECOND)) {
      const { memory } = await world.explain("weur", LATE.next);
      if (memory !== null) arrivedAt = Math.min(arrivedAt, time.now);
    }
    const status = await town.read("weur", "new", "read", LATE.next);
    return { soon, late, queued: queued.has(LATE.next), before: time.now - arrivedAt, status };
  });

  /** How much later than `first` the partition expects `then`, by its decision about it. */
  async function delayOf({ first, next }: typeof SOON | typeof LATE): Promise<number> {
    await quiet();
    await town.read("weur", `asking-${first}`, "read", first);
    await time.sleep(100);
    const { decision } = await world.explain("weur", next);
    return decision?.after === first ? decision.arrival - decision.at : Number.NaN;
  }

  /** Until nothing is expected or here any more. */
  async function quiet(): Promise<void> {
    await others(time.now + 2 * LATE.after);
    for (const shard of [SOON.next, LATE.next]) await rewrite(shard);
  }
}
