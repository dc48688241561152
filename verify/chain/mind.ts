import { Prng } from "../../simulator/platform/prng.ts";
import { World } from "../../simulator/world/world.ts";
import { openEngineMind, seal } from "../../src/contract/mind.ts";
import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import { Engine } from "../../src/core/engine/engine.ts";
import { estimate, proofCounts } from "../../src/core/experiment/control-arm.ts";
import { PREFETCH_REASONS } from "../../src/core/prefetch/prefetch.ts";
import { addCounts, noCounts, READ_COUNTS } from "../../src/core/reporting/read-counts.ts";
import { bytes, epochMillis, SECOND } from "../../src/core/units.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";
import type { ChainCheck, ChainFinding } from "./check.ts";

const PARTITION = "g1:weur:0";
const SEED = 1;
/** How long nothing happens: longer than the ten seconds after which an object leaves memory. */
const IDLE = 15 * SECOND;
/** What the first read may wait for the mind, ms. */
const MAX_WAIT = 5;
/** Shards on disk when the memory goes. */
const WORKING_SET = 200;
const PRICES = { prefetchCost: 0.1, dollarsPerMillionReads: 0.36 };

const requestOf = (id: string, user: string): ReadRequest => ({
  id,
  user,
  region: "weur",
  method: "GET",
  eventType: "read",
  bypass: false,
  conditions: {},
});

/** A region of one partition with what it reads, and how often the storage was read. */
class Region {
  readonly stored = new MemoryShardStore(() => 0);
  readonly world: World;
  storageReads = 0;

  constructor() {
    const counted = <T>(answer: Promise<T>): Promise<T> => {
      this.storageReads++;
      return answer;
    };
    const { stored } = this;
    this.world = new World({
      regions: ["weur"],
      settings: {},
      deltas: false,
      reasons: PREFETCH_REASONS,
      store: () => ({
        get: (id, range) => counted(stored.get(id, range)),
        getUnless: (id, etag) => counted(stored.getUnless(id, etag)),
        head: (id) => counted(stored.head(id)),
        put: (id, body, options) => stored.put(id, body, options),
        delete: (id) => stored.delete(id),
        list: (options) => stored.list(options),
      }),
    });
  }

  /** Does work in the world's time, to its end. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    let isOver = false;
    const working = work().finally(() => {
      isOver = true;
    });
    await Promise.all([working, this.world.time.run(() => isOver)]);
    return working;
  }

  read(id: string, user: string): Promise<string> {
    return this.world.read("weur", requestOf(id, user));
  }

  status() {
    return this.world.callPartition(PARTITION, (node) => node.status());
  }

  /** What the partition says of a shard: p as it was last predicted. */
  async probabilityOf(shard: string): Promise<number> {
    const { engine } = await this.world.callPartition(PARTITION, (node) => node.explain(shard));
    return engine.probability;
  }

  /** The admin API's estimate, from what was reported. */
  async proof() {
    const { outcomes } = await this.world.callCoordinator((node) => node.overview());
    return estimate(proofCounts(outcomes.map(({ counts }) => counts).reduce(addCounts, noCounts())), PRICES);
  }
}

async function learnedAndIdle(): Promise<readonly ChainFinding[]> {
  const region = new Region();
  const { world, stored } = region;
  const pair = (i: number): readonly [string, string] => [`set/${i}/cover`, `set/${i}/pages`];
  for (let i = 0; i < 40; i++)
    for (const id of pair(i)) await stored.put(id, new Uint8Array(2_000), { cacheControl: "immutable" });
  const prng = new Prng(SEED);
  const taught = pair(0)[1];
  const seen = await region.run(async () => {
    for (let i = 0; i < 400; i++) {
      for (const id of pair(i % 4 === 0 ? 0 : Math.floor(prng.between(0, 40)))) {
        await region.read(id, `user-${i % 60}`);
        await world.time.sleep(300);
      }
    }
    await region.read(pair(0)[0], "last");
    await world.time.sleep(IDLE);
    const before = {
      p: await region.probabilityOf(taught),
      status: await region.status(),
      proof: await region.proof(),
    };
    world.loseMemory();
    const after = {
      p: await region.probabilityOf(taught),
      status: await region.status(),
      proof: await region.proof(),
    };
    return { before, after };
  });
  const { before, after } = seen;
  const changed = READ_COUNTS.filter((name) => before.status.counts[name] !== after.status.counts[name]);
  return [
    {
      what: "15 s idle, out of memory: p of a taught successor",
      measured: `${before.p.toFixed(3)} → ${after.p.toFixed(3)}`,
      bar: "unchanged, not 0",
      held: before.p === after.p && after.p > 0.5 && before.status.incarnation !== after.status.incarnation,
    },
    {
      what: `the same: counters (${before.status.counts.reads} reads) that are others afterwards`,
      measured: changed.length === 0 ? "none" : changed.join(", "),
      bar: "none",
      held: changed.length === 0 && after.status.counts.reads === 801,
    },
    {
      what: `the same: the proof, from ${Math.round(before.proof.treatedRequests + before.proof.controlRequests)} reads`,
      measured: isSame(before.proof, after.proof) ? "unchanged" : "changed",
      bar: "unchanged",
      held: isSame(before.proof, after.proof) && before.proof.treatedRequests > 700,
    },
  ];
}

/** To three digits: what is reported fades with a time constant of a week, also between two looks at it. */
const isSame = (a: object, b: object): boolean => rounded(a) === rounded(b);
const rounded = (value: object): string =>
  JSON.stringify(value, (_name, part: unknown) => (typeof part === "number" ? part.toFixed(3) : part));

/** A large mind, as one is stored. */
function largeMind(): unknown {
  const engine = new Engine(bytes(2_000));
  const prng = new Prng(SEED);
  for (let i = 0; i < 60_000; i++) {
    const place = Math.floor(prng.between(0, 100) ** 2);
    const { plans } = engine.request({
      type: "read",
      shard: `tiles/${place % 20}/${place}`,
      user: `user-${i % 700}`,
      time: epochMillis(i * 50),
      region: "weur",
    });
    for (const plan of plans) engine.prefetchFailed(plan.shard);
  }
  return seal(engine.save());
}

/** The median of what taking in a large mind takes: time of this machine, not of the world. */
function waitForMind(): ChainFinding {
  const mind = largeMind();
  const waits = Array.from({ length: 21 }, () => {
    const copy = structuredClone(mind);
    const engine = new Engine(bytes(2_000));
    const begun = performance.now();
    engine.absorb(openEngineMind(copy));
    return performance.now() - begun;
  }).sort((a, b) => a - b);
  const wait = waits[waits.length >> 1] ?? Number.POSITIVE_INFINITY;
  return {
    what: "a mind of full size is checked and taken in before the first read, which waits for it",
    measured: `${wait.toFixed(1)} ms`,
    bar: `at most ${MAX_WAIT} ms`,
    held: wait <= MAX_WAIT,
  };
}

async function coldAgain(): Promise<readonly ChainFinding[]> {
  const region = new Region();
  const { world, stored } = region;
  const ids = Array.from({ length: WORKING_SET }, (_, i) => `set/${i}`);
  for (const id of ids) await stored.put(id, new Uint8Array(20_000), { cacheControl: "immutable" });
  const { hits, reads, onDisk } = await region.run(async () => {
    for (let round = 0; round < 2; round++)
      for (const id of ids) {
        await region.read(id, `user-${id}`);
        await world.time.sleep(50);
      }
    await world.time.sleep(IDLE);
    const { disk } = await region.status();
    world.loseMemory();
    const before = region.storageReads;
    const now = world.time.now;
    const proposals = ids.map((shard) => ({
      shard,
      probability: 0.9,
      arrival: now,
      expires: now + 600 * SECOND,
    }));
    await world.callPartition(PARTITION, (node) => node.prefetch(proposals, "scan"));
    await world.time.sleep(5 * SECOND);
    const statuses: string[] = [];
    for (const id of ids) statuses.push(await region.read(id, "reader"));
    return {
      hits: statuses.filter((status) => status === "Foreshard; hit").length,
      reads: region.storageReads - before,
      onDisk: disk.shards,
    };
  });
  return [
    {
      what: `cold, ${onDisk} shards on disk, a scan proposes them: R2 reads`,
      measured: String(reads),
      bar: "0",
      held: reads === 0 && onDisk === WORKING_SET,
    },
    {
      what: "the same: reads of them answered from memory",
      measured: `${hits} of ${WORKING_SET}`,
      bar: "all",
      held: hits === WORKING_SET,
    },
  ];
}

/** What a partition learned and counted is there when it comes back. */
export const MIND: ChainCheck = {
  name: "the mind survives idling",
  run: async () => [...(await learnedAndIdle()), waitForMind()],
};

/** What SQLite has need not be read from the storage. */
export const WORKING_SET_FROM_DISK: ChainCheck = {
  name: "a cold partition's working set comes from SQLite",
  run: coldAgain,
};
