import { Prng } from "../../simulator/platform/prng.ts";
import { World } from "../../simulator/world/world.ts";
import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import { DEFAULT_SETTINGS } from "../../src/contract/settings.ts";
import { LEASE_TERM } from "../../src/core/coherence/lease.ts";
import type { Region } from "../../src/core/placement/regions.ts";
import { PREFETCH_REASONS } from "../../src/core/prefetch/prefetch.ts";
import { MINUTE, SECOND } from "../../src/core/units.ts";
import { consumeChanges } from "../../src/queues/changes.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";
import { simulatedBindings } from "../coherence/bindings.ts";
import { AtLeastOnceQueue } from "../coherence/queue.ts";
import type { ChainCheck, ChainFinding } from "./check.ts";

const REGIONS: readonly Region[] = ["weur", "oc"];
const FRESHNESS = DEFAULT_SETTINGS.freshnessSeconds * SECOND;
const SEED = 1;
/** Shards that are read all the time, and reads a second. */
const HOT = 12;
const RATE = 2;
/** How long a write that was announced may go unseen, ms. */
const SEEN_WITHIN = 10 * SECOND;
/** Writes of each kind, and how often their shard is read in each region, ms. */
const WRITES = 8;
const READ_EVERY = 250;

const requestOf = (id: string, user: string, region: Region): ReadRequest => ({
  id,
  user,
  region,
  method: "GET",
  eventType: "read",
  bypass: false,
  conditions: {},
});

/** A world with default settings on a storage that counts the reads of each shard. */
function worldOf(regions: readonly Region[]) {
  const asked = new Map<string, number>();
  const stored = new MemoryShardStore(() => world.time.now);
  const counted = <T>(id: string, answer: Promise<T>): Promise<T> => {
    asked.set(id, (asked.get(id) ?? 0) + 1);
    return answer;
  };
  const world: World = new World({
    regions,
    settings: {},
    deltas: true,
    reasons: PREFETCH_REASONS,
    store: () => ({
      get: (id, range) => counted(id, stored.get(id, range)),
      getUnless: (id, etag) => counted(id, stored.getUnless(id, etag)),
      head: (id) => counted(id, stored.head(id)),
      put: (id, body, options) => stored.put(id, body, options),
      delete: (id) => stored.delete(id),
      list: (options) => stored.list(options),
    }),
  });
  return { world, stored, asked };
}

/** Runs work in a world's time, to its end. */
async function runIn<T>(world: World, work: () => Promise<T>): Promise<T> {
  let isOver = false;
  const working = work().finally(() => {
    isOver = true;
  });
  await Promise.all([working, world.time.run(() => isOver)]);
  return working;
}

async function readsOfHotShards(): Promise<readonly ChainFinding[]> {
  const { world, stored, asked } = worldOf(["weur"]);
  const prng = new Prng(SEED);
  for (let i = 0; i < HOT; i++) await stored.put(`hot/${i}`, new Uint8Array(10_000));
  let reads = 0;
  await runIn(world, async () => {
    for (; reads < (RATE * 5 * MINUTE) / SECOND; reads++) {
      const id = `hot/${Math.floor(prng.between(0, HOT))}`;
      await world.read("weur", requestOf(id, `u${reads % 7}`, "weur"));
      await world.time.sleep(SECOND / RATE);
    }
  });
  const most = Math.max(...asked.values());
  return [
    {
      what: `${HOT} hot shards, ${reads} reads in five minutes: R2 reads of each`,
      measured: `at most ${most}, ${[...asked.values()].reduce((sum, one) => sum + one, 0)} in all`,
      bar: "at most 1",
      held: most <= 1,
    },
  ];
}

/** What becomes of the announcement of a write made elsewhere. */
type Announced = "told" | "untold" | "lost";

/** A shard that is read everywhere, and written past Foreshard now and then. */
class WrittenElsewhere {
  readonly #world: World;
  readonly #stored: MemoryShardStore;
  readonly #announced: Announced;
  readonly #queue: AtLeastOnceQueue<unknown>;

  constructor(announced: Announced) {
    const { world, stored } = worldOf(REGIONS);
    this.#world = world;
    this.#stored = stored;
    this.#announced = announced;
    const env = this.#bindings();
    this.#queue = new AtLeastOnceQueue({
      name: "changes",
      time: world.time,
      prng: new Prng(SEED),
      consume: (batch) => consumeChanges(batch, env),
    });
  }

  /** How long its writes go unseen at most in any region, ms. */
  async unseenFor(): Promise<number> {
    await this.#put(0);
    let longest = 0;
    for (let version = 1; version <= WRITES; version++) {
      await runIn(this.#world, () => this.#readFor(7 * SECOND + version * 500));
      // Digests are computed beside virtual time: nobody may wait for them in it.
      const etag = await this.#put(version);
      longest = Math.max(longest, await runIn(this.#world, () => this.#timeUntilSeen(etag)));
    }
    return longest;
  }

  #bindings() {
    return simulatedBindings({
      callPartition: (name, work) => {
        if (this.#announced === "untold") throw new Error("the partition cannot be reached");
        return this.#world.callPartition(name, work);
      },
      callCoordinator: (work) => this.#world.callCoordinator(work),
      noteLogged: () => undefined,
      noteDeadLetters: () => undefined,
      sendChange: async () => undefined,
    });
  }

  async #put(version: number): Promise<string> {
    const meta = await this.#stored.put("elsewhere", new TextEncoder().encode(String(version)));
    return meta?.etag ?? "";
  }

  async #etagSeen(region: Region): Promise<string | null> {
    return (await this.#world.headersOf(region, requestOf("elsewhere", "reader", region))).get("ETag");
  }

  async #readFor(millis: number): Promise<void> {
    const { time } = this.#world;
    for (const end = time.now + millis; time.now < end; await time.sleep(READ_EVERY))
      for (const region of REGIONS) await this.#etagSeen(region);
  }

  async #timeUntilSeen(etag: string): Promise<number> {
    const { time } = this.#world;
    const written = time.now;
    if (this.#announced !== "lost") await this.#queue.send(notificationOf(etag, written));
    for (const region of REGIONS)
      while ((await this.#etagSeen(region)) !== etag) await time.sleep(READ_EVERY);
    return time.now - written;
  }
}

const notificationOf = (etag: string, at: number) => ({
  action: "PutObject",
  object: { key: "elsewhere", eTag: etag.replaceAll('"', "") },
  eventTime: new Date(at).toISOString(),
});

async function findingOf(what: string, announced: Announced, bar: number): Promise<ChainFinding> {
  const unseen = await new WrittenElsewhere(announced).unseenFor();
  return {
    what: `${what}: unseen for`,
    measured: `at most ${(unseen / SECOND).toFixed(1)} s`,
    bar: `at most ${bar / SECOND} s`,
    held: unseen <= bar,
  };
}

/** What is hot is asked for once. */
export const HOT_SHARDS: ChainCheck = {
  name: "a copy needs no question while the lease is valid",
  run: readsOfHotShards,
};

/** What others write is seen soon, and seen at last when nobody says so. */
export const WRITES_ELSEWHERE: ChainCheck = {
  name: "a write made elsewhere is seen",
  run: async () => [
    await findingOf("a write made elsewhere, announced", "told", SEEN_WITHIN),
    await findingOf("the same, logged, but no partition could be told", "untold", LEASE_TERM),
    await findingOf("the same, its announcement lost", "lost", FRESHNESS),
  ],
};
