import type { Prng } from "./prng.ts";
import type { Place, Simulation } from "./simulation.ts";

/** Usual time between two misfortunes of one region, and of what all share, ms. */
const REGION_EVERY = 25_000;
const SHARED_EVERY = 40_000;

/** What goes wrong in a region: for how long, and how. */
const IN_A_REGION: Readonly<Record<string, (world: Simulation, place: Place, dice: Prng) => string>> = {
  "partition unreachable": ({ time }, { way, farWay }, dice) => {
    const millis = dice.chance(0.5) ? dice.between(200, 6_000) : dice.between(6_000, 50_000);
    way.cutUntil = time.now + millis;
    farWay.cutUntil = way.cutUntil;
    return lasting(millis);
  },
  "partition unreachable from elsewhere": ({ time }, { farWay }, dice) => {
    const millis = dice.between(6_000, 70_000);
    farWay.cutUntil = time.now + millis;
    return lasting(millis);
  },
  "partition cut off, its heartbeats troubled": ({ time }, { farWay, heartbeats }, dice) => {
    const millis = dice.between(20_000, 90_000);
    farWay.cutUntil = time.now + millis;
    heartbeats.troubleUntil = time.now + millis;
    return lasting(millis);
  },
  "memory lost": (_world, { partition }) => {
    partition.loseMemory();
    return "";
  },
  "storage slow": ({ time }, { partitionStorage, edgeStorage }, dice) => {
    const millis = dice.between(2_000, 25_000);
    partitionStorage.trouble.slowUntil = time.now + millis;
    if (dice.chance(0.5)) edgeStorage.trouble.slowUntil = time.now + millis;
    return lasting(millis);
  },
  "storage failing": ({ time }, { partitionStorage, edgeStorage }, dice) => {
    const millis = dice.between(1_000, 40_000);
    partitionStorage.trouble.failingUntil = time.now + millis;
    if (dice.chance(0.5)) edgeStorage.trouble.failingUntil = time.now + millis;
    return lasting(millis);
  },
  "heartbeats troubled": ({ time }, { heartbeats }, dice) => {
    const millis = dice.between(5_000, 90_000);
    heartbeats.troubleUntil = time.now + millis;
    return lasting(millis);
  },
  silence: ({ time }, place, dice) => {
    const millis = dice.between(10_000, 100_000);
    place.silentUntil = time.now + millis;
    return lasting(millis);
  },
};

const SHARED: Readonly<Record<string, (world: Simulation, dice: Prng) => string>> = {
  "coordinator restarted": ({ coordinator }) => {
    coordinator.restart();
    return "";
  },
  "coordinator down": ({ coordinator, time }, dice) => {
    const millis = dice.between(500, 45_000);
    coordinator.restart();
    coordinator.downUntil = time.now + millis;
    return lasting(millis);
  },
  "queue held up": ({ changes, time }, dice) => {
    const millis = dice.between(5_000, 60_000);
    changes.heldUpUntil = time.now + millis;
    return lasting(millis);
  },
};

const lasting = (millis: number): string => `for ${Math.round(millis)} ms`;

/** Lets something go wrong in a region, now and then, for ever. */
export async function troubleRegion(world: Simulation, place: Place): Promise<never> {
  const dice = place.dice.fork();
  for (;;) {
    await world.time.sleep(dice.around(REGION_EVERY));
    const kind = dice.pick(Object.keys(IN_A_REGION));
    world.fault(kind, place.region, IN_A_REGION[kind]?.(world, place, dice));
  }
}

/** Lets something go wrong with what all regions share, now and then, for ever. */
export async function troubleAll(world: Simulation): Promise<never> {
  const dice = world.dice.fork();
  for (;;) {
    await world.time.sleep(dice.around(SHARED_EVERY));
    const kind = dice.pick(Object.keys(SHARED));
    world.fault(kind, "everywhere", SHARED[kind]?.(world, dice));
  }
}

/** Fetches shards ahead in a region, now and then, for ever. */
export async function prefetchForEver(
  world: Simulation,
  place: Place,
  shards: readonly string[],
): Promise<never> {
  const dice = place.dice.fork();
  for (;;) {
    await world.time.sleep(dice.around(2_000));
    void place.partition.prefetch(dice.pick(shards)).catch(() => undefined);
  }
}
