import { SECOND } from "../../src/core/units.ts";
import type { ChainCheck, ChainFinding } from "./check.ts";
import { TaughtWorld } from "./taught-world.ts";

const VISITS = 200;

export const trueProbabilities: ChainCheck = {
  name: "the map's probabilities and delays are true at every step",
  run: async () => [...(await certain()), ...(await mixed())],
};

/** `start`, then Q after two seconds and R after six: always. */
async function certain(): Promise<readonly ChainFinding[]> {
  const map = await taught(["Q", "R"], () => ["Q", "R"]);
  const [q, r] = [map.start?.Q, map.start?.R];
  return [
    atLeast("P(R | start), taught start → Q → R always", r?.probability, 0.95),
    within("expected delay of Q, ms", q?.expectedDelay, 2_000, 0.3 * 2_000),
    within("expected delay of R, ms", r?.expectedDelay, 6_000, 0.3 * 6_000),
  ];
}

/** `start`, then Q four times of five, else R. */
async function mixed(): Promise<readonly ChainFinding[]> {
  const map = await taught(["Q", "R"], (visit) => [visit % 5 === 2 ? "R" : "Q"]);
  return [
    within("P(Q | start), taught 80 of 100", map.start?.Q?.probability, 0.8, 0.02),
    within("P(R | start), taught 20 of 100", map.start?.R?.probability, 0.2, 0.02),
  ];
}

/** The map after so many visits that begin with `start` and read these shards. */
async function taught(ids: readonly string[], shardsOf: (visit: number) => readonly string[]) {
  const town = new TaughtWorld({ regions: ["weur"] });
  const { time } = town.world;
  await town.store("door", ...ids);
  return town.run(async () => {
    for (let visit = 0; visit < VISITS; visit++) {
      const user = `visitor-${visit}`;
      await town.read("weur", user, "start", "door");
      for (const [step, id] of shardsOf(visit).entries()) {
        await time.sleep((2 + 2 * step) * SECOND);
        await town.read("weur", user, "read", id);
      }
    }
    await time.sleep(20 * SECOND);
    return (await town.world.overview()).probabilityMap;
  });
}

const atLeast = (what: string, measured = 0, bar: number): ChainFinding => ({
  what,
  measured: measured.toFixed(3),
  bar: `≥ ${bar}`,
  held: measured >= bar,
});

const within = (what: string, measured = 0, truth: number, by: number): ChainFinding => ({
  what,
  measured: measured.toFixed(3),
  bar: `${truth} ± ${by}`,
  held: Math.abs(measured - truth) <= by,
});
