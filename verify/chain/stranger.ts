import { SECOND } from "../../src/core/units.ts";
import type { ChainCheck } from "./check.ts";
import { TaughtWorld } from "./taught-world.ts";

/** Visits that teach, in one region, and strangers that come then, in another. */
const VISITS = 60;
const STRANGERS = 10;
/** Two ways to come to the same kind of page; each leads elsewhere. */
const WAYS = { open: "basket", search: "results" } as const;

/** What a pattern of event types leads to is there for a user nobody knows, in a region that never saw the shard. */
export const STRANGER: ChainCheck = {
  name: "a pattern of event types is enough to know a stranger's next shard",
  run: async () => {
    const statuses = await strangers();
    const ahead = statuses.filter((status) => status === "Foreshard; hit; detail=prefetched");
    return [
      {
        what: `${STRANGERS} strangers in oc, each in a partition that knows nothing: the third step was fetched ahead`,
        measured: `${ahead.length} of ${statuses.length}`,
        bar: `${STRANGERS}`,
        held: ahead.length === STRANGERS,
      },
    ];
  },
};

/** The `Cache-Status` of each stranger's third step. */
async function strangers(): Promise<readonly string[]> {
  const town = new TaughtWorld({ regions: ["weur", "oc"], settings: { diskBytes: 0 } });
  const { world } = town;
  await town.store(
    ...Object.values(WAYS),
    ...Array.from({ length: VISITS + STRANGERS }, (_, i) => `page/${i}`),
  );
  return town.run(async () => {
    for (let visit = 0; visit < VISITS; visit++) await visitOf(town, "weur", visit);
    await world.time.sleep(20 * SECOND);
    const statuses: string[] = [];
    for (let visit = VISITS; visit < VISITS + STRANGERS; visit++) {
      world.loseMemory();
      statuses.push(await visitOf(town, "oc", visit));
      await world.time.sleep(20 * SECOND);
    }
    return statuses;
  });
}

/** Comes in one way, opens a page that nobody has read, and goes where that way leads. */
async function visitOf(town: TaughtWorld, region: "weur" | "oc", visit: number): Promise<string> {
  const { time } = town.world;
  const way = visit % 2 === 0 ? "open" : "search";
  await town.act(region, `visitor-${visit}`, way);
  await time.sleep(SECOND);
  await town.read(region, `visitor-${visit}`, "page", `page/${visit}`);
  await time.sleep(SECOND);
  return town.read(region, `visitor-${visit}`, "read", WAYS[way]);
}
