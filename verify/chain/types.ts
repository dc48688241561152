import { Engine } from "../../src/core/engine/engine.ts";
import { SeededRandom } from "../../src/core/random.ts";
import { bytes, epochMillis } from "../../src/core/units.ts";
import type { ChainCheck, ChainFinding } from "./check.ts";

/** Plans judged, and the share of them that has to be right. */
const PLANS = 1_500;
const MIN_RIGHT = 0.95;
/** Places that can be opened in two ways, each of which leads elsewhere; and other shards, read in between. */
const PLACES = 12;
const OTHERS = 300;
/** Room for less than the places take, so that there is something to fetch. */
const ROOM = 12;
const USERS = 5;
/** One step in so many leads to a place: rarely enough that it cannot be guessed which. */
const VISIT_EVERY = 12;
const STEP = 400;
const MAX_EVENTS = 50_000;

/** How what is done at a place shows: in the event's type, or in its data type. */
type Shown = "event type" | "data type";

/** What is read of a place decides, by how it is read, what is read next: every plan after it can be right. */
export const TYPES: ChainCheck = {
  name: "event types and data types are context",
  run: async () => [shownBy("event type"), shownBy("data type")],
};

function shownBy(shown: Shown): ChainFinding {
  const { right, plans } = play(shown);
  return {
    what: `X read in one way leads to Y1, in another to Y2, told by ${shown}: plans that were right, of ${plans}`,
    measured: `${((100 * right) / plans).toFixed(1)} %`,
    bar: `at least ${100 * MIN_RIGHT} %`,
    held: right >= MIN_RIGHT * plans,
  };
}

function play(shown: Shown): { right: number; plans: number } {
  const engine = new Engine(bytes(ROOM));
  const random = new SeededRandom(7);
  const next = Array.from({ length: USERS }, () => "");
  let right = 0;
  let plans = 0;
  for (let tick = 0; plans < PLANS && tick < MAX_EVENTS; tick++) {
    const user = random.below(USERS);
    const time = epochMillis(1_800_000_000_000 + tick * STEP);
    const { shard, kind, leadsTo } = step(next[user] ?? "", random);
    next[user] = leadsTo;
    const answer = engine.request({
      type: shown === "event type" ? kind : "read",
      ...(shown === "data type" && { dataType: kind }),
      shard,
      user: `u${user}`,
      time,
      region: "weur",
    });
    if (answer.outcome !== "hit") engine.fill(shard, bytes(1), "demand", time);
    for (const plan of answer.plans) {
      engine.fill(plan.shard, bytes(1), "prefetch", time);
      // Only where it is certain what comes can a plan be judged.
      if (leadsTo === "" || plans === PLANS) continue;
      plans++;
      if (plan.shard === leadsTo) right++;
    }
  }
  return { right, plans };
}

/** What a user reads next, in which manner, and what that leads to for certain: "" for nothing. */
function step(follows: string, random: SeededRandom): { shard: string; kind: string; leadsTo: string } {
  if (follows !== "") return { shard: follows, kind: "read", leadsTo: "" };
  if (random.below(VISIT_EVERY) > 0)
    return { shard: `other/${random.below(OTHERS)}`, kind: "read", leadsTo: "" };
  const [kind, leaf] = random.below(2) === 0 ? ["zoom", "detail"] : ["play", "film"];
  const place = `place/${random.below(PLACES)}`;
  return { shard: `${place}/plan`, kind: kind as string, leadsTo: `${place}/${leaf}` };
}
