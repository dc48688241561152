import type { Region } from "../../src/core/placement/regions.ts";
import { check, type Violation } from "./checker.ts";
import { loseMemoryForEver, placeForEver, proposeForEver, troubleAll, troubleRegion } from "./faults.ts";
import type { History } from "./history.ts";
import { type Mutation, replace, takeOut } from "./mutation.ts";
import { SHARDS } from "./shards.ts";
import { BOUNDS, Simulation } from "./simulation.ts";
import { User } from "./users.ts";

const REGIONS: readonly Region[] = ["weur", "enam", "apac", "oc"];
const USERS_PER_REGION = 5;

/** What to run. */
export interface RunOptions {
  readonly seed: number;
  /** Reads and writes together. */
  readonly operations: number;
  /** A part of the protocol to take out. */
  readonly mutation?: Mutation | undefined;
}

/** What came of a run. */
export interface RunResult {
  readonly seed: number;
  readonly history: History;
  readonly violations: readonly Violation[];
  /** How long it took in virtual time, ms. */
  readonly lasted: number;
  readonly messages: { readonly delivered: number; readonly duplicates: number };
  /** Instances of partitions that were made. */
  readonly instances: number;
  /** Messages that the consumers could not read. */
  readonly deadLetters: number;
}

/** One world from its beginning until its users have done all their operations; then every read is checked. */
export async function run({ seed, operations, mutation }: RunOptions): Promise<RunResult> {
  const putBack = takeOut(mutation);
  // What production code logs of the faults injected here is no news.
  const speak = replace(console, "error", () => undefined);
  const world = new Simulation(seed, REGIONS);
  try {
    return await live(world, seed, operations);
  } finally {
    world.close();
    speak();
    putBack();
  }
}

async function live(world: Simulation, seed: number, operations: number): Promise<RunResult> {
  const begun = world.time.now;
  for (const { shard, cells, cacheControls, isThere } of SHARDS) {
    world.truth.declare(shard);
    if (isThere)
      world.truth.put(shard, { cells: cells[0], cacheControl: cacheControls[0], sameBytes: false });
  }
  const areDone = populate(world, operations);
  void troubleAll(world);
  void placeForEver(world);
  for (const place of world.places) {
    void troubleRegion(world, place);
    void proposeForEver(world, place);
    void loseMemoryForEver(world, place);
  }
  await world.time.run(areDone);
  const { truth, operations: done, faults, logged } = world;
  const history: History = { states: truth.states, operations: done, faults, logged };
  const queues = [world.changes, world.events, world.prefetches];
  const sum = (of: (queue: (typeof queues)[number]) => number): number =>
    queues.reduce((total, queue) => total + of(queue), 0);
  return {
    seed,
    history,
    violations: check(history, BOUNDS),
    lasted: world.time.now - begun,
    messages: { delivered: sum((queue) => queue.delivered), duplicates: sum((queue) => queue.duplicates) },
    instances: world.places.reduce((total, { partition }) => total + partition.instances, 0),
    deadLetters: world.deadLetters,
  };
}

/** Lets users of all regions do so many operations together; returns whether all are done. */
function populate(world: Simulation, operations: number): () => boolean {
  let left = operations;
  let living = 0;
  const users = world.places.flatMap((place) =>
    Array.from({ length: USERS_PER_REGION }, (_, i) => new User(world, place, `${place.region}-${i + 1}`)),
  );
  for (const user of users) {
    living++;
    void user.live(() => left-- > 0).finally(() => living--);
  }
  return () => living === 0;
}
