import { patternKey, typeKey } from "../../src/core/keys.ts";
import { SECOND } from "../../src/core/units.ts";
import type { ChainCheck } from "./check.ts";
import { TaughtWorld } from "./taught-world.ts";

const VISITS = 60;

export const toldPatterns: ChainCheck = {
  name: "what follows a pattern of event types is told to a region that never saw the shard",
  run: async () => {
    const slice = await patterns();
    const told = (key: string, shard: string): number =>
      slice.get(key)?.find(([name]) => name === shard)?.[1] ?? 0;
    const known = told(patternKey("open", "zoom"), "city");
    const other = told(patternKey("search", "zoom"), "city");
    const alone = told(typeKey("zoom"), "city");
    return [
      {
        what: "P(city | open, zoom) as a partition of oc is told it",
        measured: known.toFixed(3),
        bar: "≥ 0.9",
        held: known >= 0.9,
      },
      {
        what: "P(city | search, zoom), which never leads there; P(city | zoom)",
        measured: `${other.toFixed(3)}; ${alone.toFixed(3)}`,
        bar: "0; ≤ 0.55",
        held: other === 0 && alone <= 0.55,
      },
    ];
  },
};

/** What a partition of oc is told, when users of weur open and zoom to read one shard, and search and zoom for another. */
async function patterns() {
  const town = new TaughtWorld({ regions: ["weur"] });
  const { time } = town.world;
  await town.store("city", "sea");
  return town.run(async () => {
    for (let visit = 0; visit < VISITS; visit++) {
      const user = `visitor-${visit}`;
      const isCity = visit % 2 === 0;
      await town.act("weur", user, isCity ? "open" : "search");
      await time.sleep(SECOND);
      await town.act("weur", user, "zoom");
      await time.sleep(SECOND);
      await town.read("weur", user, "read", isCity ? "city" : "sea");
    }
    await time.sleep(20 * SECOND);
    return new Map((await town.world.slice("oc"))?.entries);
  });
}
