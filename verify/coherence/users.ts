import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import { ProblemError } from "../../src/contract/problems.ts";
import type { Change } from "../../src/core/coherence/change.ts";
import { publishInvalidation } from "../../src/edge/publish-invalidation.ts";
import { cellRange, versionIn } from "./content.ts";
import type { Read, State, Write } from "./history.ts";
import type { Prng } from "./prng.ts";
import type { Place, Simulation } from "./simulation.ts";

/** A shard that users read and write: its Cache-Control and its size in cells of 8 bytes. */
export interface ShardKind {
  readonly shard: string;
  readonly cacheControl: string | undefined;
  readonly cells: readonly [least: number, most: number];
  /** How often it is used, against the others. */
  readonly weight: number;
  /** Written once and never again. */
  readonly once?: boolean;
}

const SMALL = [64, 400] as const;

/** Few, so that readers and writers meet. */
export const SHARDS: readonly ShardKind[] = [
  { shard: "default/a", cacheControl: undefined, cells: SMALL, weight: 5 },
  { shard: "default/b", cacheControl: undefined, cells: SMALL, weight: 2 },
  { shard: "hour/a", cacheControl: "max-age=3600", cells: SMALL, weight: 5 },
  { shard: "hour/b", cacheControl: "max-age=3600", cells: SMALL, weight: 3 },
  { shard: "hour/c", cacheControl: "public, max-age=3600", cells: SMALL, weight: 1 },
  { shard: "seconds/a", cacheControl: "max-age=3", cells: SMALL, weight: 1 },
  { shard: "asks/a", cacheControl: "no-cache", cells: SMALL, weight: 1 },
  { shard: "large/a", cacheControl: "max-age=3600", cells: [2_100, 2_400], weight: 0.3 },
  { shard: "immutable/a", cacheControl: "max-age=3600, immutable", cells: SMALL, weight: 1, once: true },
  { shard: "immutable/b", cacheControl: "immutable", cells: SMALL, weight: 1, once: true },
];

const WEIGHTS = Object.fromEntries(SHARDS.map(({ shard, weight }) => [shard, weight]));

/** What users do, by weight. */
const HABITS = {
  read: 78,
  noCache: 5,
  range: 5,
  bounded: 4,
  strong: 5,
  delete: 0.7,
  strongDelete: 0.5,
  elsewhere: 0.6,
};
type Habit = keyof typeof HABITS;

/** The body is not as long as its headers said. */
class CutShortError extends Error {
  override readonly name = "CutShortError";
}

/** One user of a region, who does one thing after another. */
export class User {
  readonly #world: Simulation;
  readonly #place: Place;
  readonly #name: string;
  readonly #dice: Prng;

  constructor(world: Simulation, place: Place, name: string) {
    this.#world = world;
    this.#place = place;
    this.#name = name;
    this.#dice = place.dice.fork();
  }

  /** Acts until `mayAct` says that it is enough. */
  async live(mayAct: () => boolean): Promise<void> {
    const { time } = this.#world;
    await time.sleep(this.#dice.around(1_000));
    for (;;) {
      await time.sleep(this.#dice.around(this.#dice.chance(0.3) ? 50 : 1_500));
      if (time.now < this.#place.silentUntil) await time.sleep(this.#place.silentUntil - time.now);
      if (!mayAct()) return;
      this.#world.operations.push(await this.#act());
    }
  }

  #act(): Promise<Read | Write> {
    const habit = this.#dice.weighted<Habit>(HABITS);
    const chosen = this.#dice.weighted(WEIGHTS);
    const kind = SHARDS.find(({ shard }) => shard === chosen);
    if (kind === undefined) throw new Error("no such shard");
    if (habit === "read" || habit === "noCache" || habit === "range" || kind.once)
      return this.#read(kind, habit);
    return this.#write(kind, habit);
  }

  async #read(kind: ShardKind, habit: Habit): Promise<Read> {
    const { time } = this.#world;
    const from = time.now;
    const first = Math.floor(this.#dice.between(0, 60));
    const request: ReadRequest = {
      id: kind.shard,
      method: "GET",
      user: this.#name,
      eventType: "read",
      region: this.#place.region,
      conditions: {},
      bypass: habit === "noCache",
      ...(habit === "range" && { range: cellRange(first, first + 3) }),
    };
    let cacheStatus = "";
    let answer: Read["answer"];
    try {
      const response = await this.#world.read(this.#place, request);
      cacheStatus = response.headers.get("Cache-Status") ?? "";
      const body = await response.arrayBuffer();
      if (
        cacheStatus.includes("bypass") &&
        Number(response.headers.get("Content-Length")) !== body.byteLength
      )
        throw new CutShortError("a stream ended early, which every client sees");
      answer = {
        status: response.status === 206 ? 206 : 200,
        etag: response.headers.get("ETag") ?? "",
        version: versionIn(body, response.status === 206 ? first * 8 : 0),
        length: body.byteLength,
      };
    } catch (error) {
      if (error instanceof ProblemError) cacheStatus = error.headers["Cache-Status"] ?? "";
      answer =
        error instanceof ProblemError && error.code === "shard-not-found"
          ? { status: 404 }
          : { status: "failed", why: error instanceof Error ? error.name : "unknown" };
    }
    return { kind: "read", ...this.#who(kind, from), noCache: request.bypass, cacheStatus, answer };
  }

  async #write(kind: ShardKind, habit: Habit): Promise<Write> {
    const from = this.#world.time.now;
    const coherence = habit === "elsewhere" ? "elsewhere" : habit.startsWith("strong") ? "strong" : "bounded";
    const made: { state: State | null } = { state: null };
    let acknowledged = false;
    try {
      const change = await this.#store(kind, habit, (state) => {
        made.state = state;
      });
      // Written past Foreshard: only the storage's notification tells of it.
      if (coherence === "elsewhere") await this.#world.changes.send(change);
      else await publishInvalidation(this.#world.env, change, this.#place.partition.address, coherence);
      acknowledged = coherence !== "elsewhere";
    } catch {
      // Not acknowledged: it may be seen or not.
    }
    return { kind: "write", ...this.#who(kind, from), coherence, acknowledged, state: made.state };
  }

  async #store(
    { shard, cells, cacheControl }: ShardKind,
    habit: Habit,
    made: (state: State) => void,
  ): Promise<Change> {
    const { edgeStorage } = this.#place;
    if (habit === "delete" || habit === "strongDelete") {
      await edgeStorage.erase(shard, made);
      return { shard, uploaded: this.#world.edgeLife.now() };
    }
    const size = Math.floor(this.#dice.between(...cells));
    const { etag, uploaded } = await edgeStorage.write(shard, size, cacheControl, made);
    return { shard, etag, uploaded };
  }

  #who({ shard }: ShardKind, from: number) {
    return { user: this.#name, region: this.#place.region, shard, from, to: this.#world.time.now };
  }
}
