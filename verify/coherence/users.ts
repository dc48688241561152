import type { Prng } from "../../simulator/platform/prng.ts";
import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import { ProblemError } from "../../src/contract/problems.ts";
import type { Change } from "../../src/core/coherence/change.ts";
import { publishInvalidation } from "../../src/edge/publish-invalidation.ts";
import { cellRange, contentIn, versionOf } from "./content.ts";
import type { Read, Shown, State, Write } from "./history.ts";
import { SHARDS, type ShardKind } from "./shards.ts";
import type { Place, Simulation } from "./simulation.ts";

const WEIGHTS = Object.fromEntries(SHARDS.map(({ shard, weight }) => [shard, weight]));

/** What users do, by weight. */
const HABITS = {
  read: 74,
  noCache: 5,
  range: 6,
  head: 2,
  bounded: 4,
  strong: 5,
  delete: 0.7,
  strongDelete: 0.8,
  elsewhere: 0.6,
};
type Habit = keyof typeof HABITS;

/** A shard that is mostly away is written and deleted in turn, whatever the habit. */
const MOSTLY_AWAY = "absent/";
/** Of the writes so many store the bytes of before with other headers. */
const SAME_BYTES = 0.35;
/** Cells of a range. */
const CELLS_READ = 4;

/** The body is not as long as its headers said. */
class CutShortError extends Error {
  override readonly name = "CutShortError";
}

/** The read was answered with this problem. */
class AnsweredWithError extends Error {
  override readonly name = "AnsweredWithError";
}

type Part = ReturnType<typeof cellRange>;

/** One user of a region, who does one thing after another. */
export class User {
  readonly #world: Simulation;
  readonly #place: Place;
  readonly #name: string;
  readonly #prng: Prng;

  constructor(world: Simulation, place: Place, name: string) {
    this.#world = world;
    this.#place = place;
    this.#name = name;
    this.#prng = place.prng.fork();
  }

  /** Acts until `mayAct` says that it is enough. */
  async live(mayAct: () => boolean): Promise<void> {
    const { time } = this.#world;
    await time.sleep(this.#prng.around(1_000));
    for (;;) {
      await time.sleep(this.#prng.around(this.#prng.chance(0.3) ? 50 : 1_500));
      if (time.now < this.#place.silentUntil) await time.sleep(this.#place.silentUntil - time.now);
      if (!mayAct()) return;
      this.#world.operations.push(await this.#act());
    }
  }

  #act(): Promise<Read | Write> {
    const habit = this.#prng.weighted<Habit>(HABITS);
    const chosen = this.#prng.weighted(WEIGHTS);
    const kind = SHARDS.find(({ shard }) => shard === chosen);
    if (kind === undefined) throw new Error("no such shard");
    if (habit === "read" || habit === "noCache" || habit === "range" || habit === "head")
      return this.#read(kind, habit);
    return this.#write(kind, this.#turned(kind, habit));
  }

  /** Deletes what is mostly away if it is there, so that its absence is read. */
  #turned({ shard }: ShardKind, habit: Habit): Habit {
    if (!shard.startsWith(MOSTLY_AWAY) || this.#world.truth.current(shard) === undefined) return habit;
    return habit.startsWith("strong") ? "strongDelete" : "delete";
  }

  async #read(kind: ShardKind, habit: Habit): Promise<Read> {
    const { time } = this.#world;
    const from = time.now;
    const first = Math.floor(this.#prng.between(0, 60));
    const part = habit === "range" ? cellRange(first, first + CELLS_READ - 1) : undefined;
    const request: ReadRequest = {
      id: kind.shard,
      method: habit === "head" ? "HEAD" : "GET",
      user: this.#name,
      eventType: "read",
      region: this.#place.region,
      conditions: {},
      bypass: habit === "noCache" || (habit === "range" && this.#prng.chance(0.2)),
      ...(part !== undefined && { range: `bytes=${part.first}-${part.last}` }),
    };
    let cacheStatus = "";
    let answer: Read["answer"];
    try {
      const response = await this.#world.read(this.#place, request);
      cacheStatus = response.headers.get("Cache-Status") ?? "";
      answer = await shownBy(response, request, part);
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
    const { address, edge } = this.#place;
    const made: { state: State | null } = { state: null };
    let change: Change | null = null;
    let acknowledged = false;
    try {
      change = await this.#store(kind, habit, (state) => {
        made.state = state;
      });
      // Written past Foreshard: only the storage's notification tells of it.
      if (coherence === "elsewhere") await this.#world.changes.send(notificationOf(change));
      else await publishInvalidation(this.#world.env, change, address.region, coherence, edge.clock);
      acknowledged = coherence !== "elsewhere";
    } catch {
      // Not acknowledged: it may be seen or not.
    }
    return { kind: "write", ...this.#who(kind, from), coherence, acknowledged, change, state: made.state };
  }

  /** Stores or deletes as the routes do. */
  async #store(
    { shard, cells, cacheControls }: ShardKind,
    habit: Habit,
    made: (state: State) => void,
  ): Promise<Change> {
    const { edgeStorage, edge } = this.#place;
    if (habit === "delete" || habit === "strongDelete") {
      await edgeStorage.erase(shard, made);
      return { shard, uploaded: edge.now() };
    }
    const version = {
      cells: Math.floor(this.#prng.between(...cells)),
      cacheControl: this.#prng.pick(cacheControls),
      sameBytes: this.#prng.chance(SAME_BYTES),
    };
    const { etag, version: name, uploaded } = await edgeStorage.write(shard, version, made);
    return { shard, etag, version: name, uploaded };
  }

  #who({ shard }: ShardKind, from: number) {
    return { user: this.#name, region: this.#place.region, shard, from, to: this.#world.time.now };
  }
}

/**
 * What a response shows.
 * @throws AnsweredWithError for problems, CutShortError where a stream ended early, which every client sees.
 */
async function shownBy(
  response: Response,
  { method }: ReadRequest,
  part: Part | undefined,
): Promise<Read["answer"]> {
  const { status, headers } = response;
  const version = versionOf(headers.get("Content-Type"));
  if (status === 404) return { status };
  if ((status !== 200 && status !== 206) || version === null) throw new AnsweredWithError(String(status));
  const body = await response.arrayBuffer();
  const isStreamed = headers.get("Cache-Status")?.includes("bypass") ?? false;
  if (isStreamed && method === "GET" && Number(headers.get("Content-Length")) !== body.byteLength)
    throw new CutShortError("a stream ended early");
  const shown: Shown = {
    status,
    etag: headers.get("ETag") ?? "",
    version,
    content: method === "HEAD" ? undefined : contentIn(body, status === 206 ? (part?.first ?? 0) : 0),
    cacheControl: headers.get("Cache-Control") ?? "",
    length: body.byteLength,
  };
  if (status !== 206 || part === undefined) return shown;
  return { ...shown, part: { ...part, contentRange: headers.get("Content-Range") ?? "" } };
}

/** What R2 tells of a write made past Foreshard: no version, and nothing but the time of a delete. */
const notificationOf = ({ shard, etag, uploaded }: Change) => ({
  action: etag === undefined ? "DeleteObject" : "PutObject",
  object: { key: shard, ...(etag !== undefined && { eTag: etag.replaceAll('"', "") }) },
  eventTime: new Date(uploaded).toISOString(),
});
