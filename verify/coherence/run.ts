import type { Region } from "../../src/core/placement/regions.ts";
import { check, type Violation } from "./checker.ts";
import { prefetchForEver, troubleAll, troubleRegion } from "./faults.ts";
import type { History } from "./history.ts";
import type { Mutation } from "./mutation.ts";
import { BOUNDS, Simulation } from "./simulation.ts";
import { SHARDS, User } from "./users.ts";

const REGIONS: readonly Region[] = ["weur", "enam", "apac", "oc"];
const USERS_PER_REGION = 5;

/** What to run. */
export interface RunOptions {
  readonly seed: number;
  /** Reads and writes together. */
  readonly operations: number;
  readonly sabotage?: Mutation | undefined;
}

/** What came of a run. */
export interface RunResult {
  readonly seed: number;
  readonly history: History;
  readonly violations: readonly Violation[];
  /** How long it took in virtual time, ms. */
  readonly lasted: number;
  readonly messages: { readonly delivered: number; readonly duplicates: number };
}

/** One world from its beginning until its users have done all their operations; then every read is checked. */
export async function run({ seed, operations, sabotage }: RunOptions): Promise<RunResult> {
  const world = new Simulation(seed, REGIONS, sabotage);
  const begun = world.time.now;
  let left = operations;
  let living = 0;
  const users = world.places.flatMap((place) =>
    Array.from({ length: USERS_PER_REGION }, (_, i) => new User(world, place, `${place.region}-${i + 1}`)),
  );
  for (const { shard, cells, cacheControl, once } of SHARDS) {
    world.truth.declare(shard);
    if (once) world.truth.put(shard, cells[0], cacheControl);
  }
  for (const user of users) {
    living++;
    void user.live(() => left-- > 0).finally(() => living--);
  }
  void troubleAll(world);
  for (const place of world.places) {
    void troubleRegion(world, place);
    void prefetchForEver(
      world,
      place,
      SHARDS.map(({ shard }) => shard),
    );
  }
  await world.time.run(() => living === 0);
  world.coordinator.close();
  const history: History = { states: world.truth.states, operations: world.operations, faults: world.faults };
  const { delivered, duplicates } = world.changes;
  return {
    seed,
    history,
    violations: check(history, BOUNDS),
    lasted: world.time.now - begun,
    messages: { delivered, duplicates },
  };
}
