import type { Prng } from "../../simulator/platform/prng.ts";
import { SHARDS } from "./shards.ts";
import type { Place, Simulation } from "./simulation.ts";

/** Usual time between two faults of one region, and of what all share, ms. */
const REGION_EVERY = 25_000;
const SHARED_EVERY = 40_000;
/** The most a clock is set by at once, ms. */
const MAX_STEP = 2_000;
/** An object nobody calls leaves memory after this, ms. */
const IDLE_FOR = 10_000;
/** Usual time between two losses of memory besides those by faults, ms: updates, moves, others' appetite. */
const MEMORY_LASTS = 60_000;
/** Usual time between two proposals to one partition, and between two rounds of placement, ms. */
const PROPOSAL_EVERY = 2_000;
const PLACEMENT_EVERY = 45_000;
/** How long a proposed prefetch is worth it, ms. */
const PROPOSED_FOR = 60_000;

/** What goes wrong in a region: for how long, and how. */
const IN_A_REGION: Readonly<Record<string, (world: Simulation, place: Place, prng: Prng) => string>> = {
  "partition unreachable": ({ time }, { link, farLink }, prng) => {
    const millis = prng.chance(0.5) ? prng.between(200, 6_000) : prng.between(6_000, 50_000);
    link.cutUntil = time.now + millis;
    farLink.cutUntil = link.cutUntil;
    return lasting(millis);
  },
  "partition unreachable from elsewhere": ({ time }, { farLink }, prng) => {
    const millis = prng.between(6_000, 70_000);
    farLink.cutUntil = time.now + millis;
    return lasting(millis);
  },
  "partition cut off, its heartbeats troubled": ({ time }, { farLink, heartbeats }, prng) => {
    const millis = prng.between(20_000, 90_000);
    farLink.cutUntil = time.now + millis;
    heartbeats.troubleUntil = time.now + millis;
    return lasting(millis);
  },
  "memory lost": (_world, { partition }) => {
    partition.loseMemory();
    return "";
  },
  "storage slow": ({ time }, { partitionStorage, edgeStorage }, prng) => {
    const millis = prng.between(2_000, 25_000);
    partitionStorage.trouble.slowUntil = time.now + millis;
    if (prng.chance(0.5)) edgeStorage.trouble.slowUntil = time.now + millis;
    return lasting(millis);
  },
  "storage failing": ({ time }, { partitionStorage, edgeStorage }, prng) => {
    const millis = prng.between(1_000, 40_000);
    partitionStorage.trouble.failingUntil = time.now + millis;
    if (prng.chance(0.5)) edgeStorage.trouble.failingUntil = time.now + millis;
    return lasting(millis);
  },
  "heartbeats troubled": ({ time }, { heartbeats }, prng) => {
    const millis = prng.between(5_000, 90_000);
    heartbeats.troubleUntil = time.now + millis;
    return lasting(millis);
  },
  "clock stepped": (_world, { partition, edge }, prng) => {
    const millis = prng.between(-MAX_STEP, MAX_STEP);
    partition.stepClock(millis);
    if (prng.chance(0.3)) edge.stepClock(prng.between(-MAX_STEP, MAX_STEP));
    return `by ${Math.round(millis)} ms`;
  },
  "disk failing": ({ time }, { partition: { storage } }, prng) => {
    const millis = prng.between(5_000, 40_000);
    const until = time.now + millis;
    storage.failsToCommit = () => time.now < until && prng.chance(0.5);
    return lasting(millis);
  },
  silence: ({ time }, place, prng) => {
    const millis = prng.between(10_000, 100_000);
    place.silentUntil = time.now + millis;
    // What is idle leaves memory.
    if (prng.chance(0.7)) time.after(IDLE_FOR, () => place.partition.loseMemory());
    return lasting(millis);
  },
};

const SHARED: Readonly<Record<string, (world: Simulation, prng: Prng) => string>> = {
  "coordinator restarted": ({ coordinator }) => {
    coordinator.restart();
    return "";
  },
  "coordinator down": ({ coordinator, time }, prng) => {
    const millis = prng.between(500, 45_000);
    coordinator.restart();
    coordinator.downUntil = time.now + millis;
    return lasting(millis);
  },
  "coordinator's clock stepped": ({ coordinator }, prng) => {
    const millis = prng.between(-MAX_STEP, MAX_STEP);
    coordinator.stepClock(millis);
    return `by ${Math.round(millis)} ms`;
  },
  "coordinator's disk failing": ({ coordinator, time }, prng) => {
    const millis = prng.between(5_000, 40_000);
    const until = time.now + millis;
    coordinator.failsToCommit = () => time.now < until && prng.chance(0.5);
    return lasting(millis);
  },
  "queues held up": ({ changes, events, prefetches, time }, prng) => {
    const millis = prng.between(5_000, 60_000);
    for (const queue of [changes, events, prefetches]) queue.heldUpUntil = time.now + millis;
    return lasting(millis);
  },
  "queues away": ({ changes, events, prefetches, time }, prng) => {
    const millis = prng.between(1_000, 15_000);
    for (const queue of [changes, events, prefetches]) queue.awayUntil = time.now + millis;
    return lasting(millis);
  },
  "settings changed": (world, prng) => {
    const memoryBytes = Math.floor(prng.between(10_000, 40_000));
    const diskBytes = prng.chance(0.2) ? 0 : Math.floor(prng.between(20_000, 80_000));
    world.changeSettings({ memoryBytes, diskBytes });
    return `${memoryBytes} bytes of memory, ${diskBytes} of disk`;
  },
};

const lasting = (millis: number): string => `for ${Math.round(millis)} ms`;

/** Lets something go wrong in a region, now and then, for ever. */
export async function troubleRegion(world: Simulation, place: Place): Promise<never> {
  const prng = place.prng.fork();
  for (;;) {
    await world.time.sleep(prng.around(REGION_EVERY));
    const kind = prng.pick(Object.keys(IN_A_REGION));
    world.fault(kind, place.region, IN_A_REGION[kind]?.(world, place, prng));
  }
}

/** Lets something go wrong with what all regions share, now and then, for ever. */
export async function troubleAll(world: Simulation): Promise<never> {
  const prng = world.prng.fork();
  for (;;) {
    await world.time.sleep(prng.around(SHARED_EVERY));
    const kind = prng.pick(Object.keys(SHARED));
    world.fault(kind, "everywhere", SHARED[kind]?.(world, prng));
  }
}

/** Proposes shards to fetch ahead in a region, now and then, for ever. */
export async function proposeForEver({ time }: Simulation, place: Place): Promise<never> {
  const prng = place.prng.fork();
  for (;;) {
    await time.sleep(prng.around(PROPOSAL_EVERY));
    const [arrival, expires] = [Math.round(time.now), Math.round(time.now + PROPOSED_FOR)];
    const { shard } = prng.pick(SHARDS);
    place.link
      .call(() =>
        place.partition.call((node) =>
          node.prefetch([{ shard, probability: 0.95, arrival, expires }], "predicted"),
        ),
      )
      .catch(() => undefined);
  }
}

/** Lets a partition lose its memory, now and then, for ever: what it has on disk is what it lives by then. */
export async function loseMemoryForEver(world: Simulation, place: Place): Promise<never> {
  const prng = place.prng.fork();
  for (;;) {
    await world.time.sleep(prng.around(MEMORY_LASTS));
    world.fault("memory lost", place.region);
    place.partition.loseMemory();
  }
}

/** Rounds of placement, now and then, for ever. */
export async function placeForEver({ time, prng, coordinator }: Simulation): Promise<never> {
  const own = prng.fork();
  for (;;) {
    await time.sleep(own.around(PLACEMENT_EVERY));
    coordinator.call((node) => node.rebalance()).catch(() => undefined);
  }
}
