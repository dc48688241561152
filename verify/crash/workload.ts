import { makeBody, readBody, reprDigest } from "./body.ts";
import { WRITE_TOKEN } from "./build.ts";
import type { Random } from "./random.ts";
import { type Held, WriteHistory } from "./write-history.ts";

/** Writers at once; each owns its shards, so that their writes have an order. */
const WRITERS = 6;
const SHARDS_A_WRITER = 4;
const READERS = 6;
const REGIONS = ["weur", "oc", "me"] as const;
/** No answer within this time is a hang, ms: far above what a strong write takes while all partitions answer. */
const TIMEOUT_MS = 60_000;

/** What happened, in numbers. */
export interface Counts {
  writes: number;
  strong: number;
  deletes: number;
  reads: number;
  /** Requests that the kill cut off. */
  cutOff: number;
  refused: number;
}

/** Mixed requests to a running instance, and the checks of everything it answers. */
export class Workload {
  readonly #histories = new Map<string, WriteHistory>();
  readonly #random: Random;
  #version = 0;
  #running = false;
  readonly counts: Counts = { writes: 0, strong: 0, deletes: 0, reads: 0, cutOff: 0, refused: 0 };
  readonly violations: string[] = [];

  constructor(random: Random) {
    this.#random = random;
    for (let writer = 0; writer < WRITERS; writer++)
      for (const id of shardsOf(writer)) this.#histories.set(id, new WriteHistory());
  }

  /** Runs until `stop` is asked for and every request is over, killed or answered. */
  async run(base: string): Promise<void> {
    this.#running = true;
    await Promise.all([
      ...Array.from({ length: WRITERS }, (_, writer) => this.#repeat(() => this.#write(base, writer))),
      ...Array.from({ length: READERS }, () => this.#repeat(() => this.#readAny(base))),
    ]);
  }

  /** What fails from now on was cut off by the kill. */
  stop(): void {
    this.#running = false;
  }

  /** After a restart: every acknowledged write is there, whole, and is what every region reads. */
  async checkAll(base: string): Promise<void> {
    await Promise.all(
      [...this.#histories].map(async ([id, history]) => {
        const floor = history.strictFloor();
        const held = await this.#read(base, id, floor, { "Cache-Control": "no-cache" }, "after the restart");
        if (held === null) this.violations.push(`${id}: could not be read after the restart`);
        else history.settle(held, floor, Date.now());
      }),
    );
    await Promise.all(
      REGIONS.map(async (region) => {
        for (const [id, history] of this.#histories)
          await this.#read(
            base,
            id,
            history.floor(Date.now()),
            { "Foreshard-Region": region },
            `in ${region}`,
          );
      }),
    );
  }

  async #repeat(step: () => Promise<void>): Promise<void> {
    while (this.#running) {
      try {
        await step();
      } catch (error) {
        if (this.#running) this.violations.push(`a request failed while the runtime ran: ${String(error)}`);
        else this.counts.cutOff++;
        return;
      }
    }
  }

  async #write(base: string, writer: number): Promise<void> {
    const ids = shardsOf(writer);
    const id = ids[this.#random.below(ids.length)] ?? "";
    const history = this.#histories.get(id);
    if (history === undefined) return;
    const isDelete = this.#random.below(8) === 0;
    const strong = this.#random.below(3) === 0;
    const version = ++this.#version;
    const body = isDelete ? null : makeBody({ id, version }, this.#random);
    const order = history.begin(isDelete ? "nothing" : version);
    const response = await fetch(`${base}/shards/${id}${strong ? "?coherence=strong" : ""}`, {
      method: isDelete ? "DELETE" : "PUT",
      headers: {
        Authorization: `Bearer ${WRITE_TOKEN}`,
        "Foreshard-Region": REGIONS[writer % REGIONS.length] ?? "weur",
        ...(body !== null && { "Repr-Digest": reprDigest(body), "Content-Type": "application/octet-stream" }),
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== null && { body: new Uint8Array(body) }),
    });
    await response.arrayBuffer();
    if (!response.ok) {
      this.counts.refused++;
      if (response.status < 500) this.violations.push(`${id}: a good write was answered ${response.status}`);
      return;
    }
    history.acknowledge(order, strong, Date.now());
    this.counts[isDelete ? "deletes" : strong ? "strong" : "writes"]++;
  }

  async #readAny(base: string): Promise<void> {
    const ids = [...this.#histories.keys()];
    const id = ids[this.#random.below(ids.length)] ?? "";
    const region = REGIONS[this.#random.below(REGIONS.length)] ?? "weur";
    const history = this.#histories.get(id);
    const strict = this.#random.below(5) === 0;
    const floor = (strict ? history?.strictFloor() : history?.floor(Date.now())) ?? 0;
    const headers = { "Foreshard-Region": region, ...(strict && { "Cache-Control": "no-cache" }) };
    await this.#read(base, id, floor, headers, `in ${region}${strict ? ", no-cache" : ""}`);
  }

  /** One read and its checks; null when it was refused for now. */
  async #read(
    base: string,
    id: string,
    floor: number,
    headers: Record<string, string>,
    where: string,
  ): Promise<Held | null> {
    const response = await fetch(`${base}/shards/${id}`, {
      headers: { "Foreshard-User": `reader-${this.#random.below(9)}`, ...headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = Buffer.from(await response.arrayBuffer());
    this.counts.reads++;
    if (response.status === 503) {
      this.counts.refused++;
      return null;
    }
    const held =
      response.status === 404 ? "nothing" : response.status === 200 ? this.#stampOf(id, body) : null;
    if (held === null) {
      this.violations.push(`${id} ${where}: torn or strange bytes, status ${response.status}`);
      return null;
    }
    const fault = this.#histories.get(id)?.fault(held, floor) ?? null;
    if (fault !== null)
      this.violations.push(
        `${id} ${where}: read ${held} (${response.headers.get("Cache-Status")}), but ${fault}`,
      );
    return held;
  }

  #stampOf(id: string, body: Buffer): Held | null {
    const stamp = readBody(body);
    return stamp !== null && stamp.id === id ? stamp.version : null;
  }
}

const shardsOf = (writer: number): readonly string[] =>
  Array.from({ length: SHARDS_A_WRITER }, (_, i) => `crash/${writer}/${i}`);
