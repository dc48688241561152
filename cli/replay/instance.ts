import { z } from "zod";
import { messageOf, UserError } from "../../simulator/user-error.ts";
import { shardPath } from "./ids.ts";
import type { PlannedRequest } from "./plan.ts";

/** Tokens for what a replay does; reads are usually open. */
export interface Tokens {
  readonly read: string | undefined;
  readonly write: string;
  readonly admin: string;
}

const settingsSchema = z.object({
  version: z.number(),
  settings: z.object({
    memoryBytes: z.number(),
    diskBytes: z.number(),
    prefetchMode: z.enum(["automatic", "threshold", "off"]),
    freshnessSeconds: z.number().optional(),
  }),
});
/** The settings a replay changes, and the version they came with. */
export type InstanceSettings = z.infer<typeof settingsSchema>;
/** The settings a replay changes. */
export type ReplaySettings = InstanceSettings["settings"];

const partitionsSchema = z.object({
  partitions: z.array(
    z.object({
      partition: z.string(),
      available: z.boolean(),
      settingsVersion: z.number().optional(),
      counts: z.object({ storageReads: z.number() }).optional(),
    }),
  ),
});
/** A partition's numbers, as far as a replay needs them. */
export type InstancePartition = z.infer<typeof partitionsSchema>["partitions"][number];

const pageSchema = z.object({
  shards: z.array(z.object({ id: z.string(), size: z.number() })),
  cursor: z.string().optional(),
});
const problemSchema = z.object({ detail: z.string() });

/** Longer than any answer takes that still comes. */
const TIMEOUT_MS = 30_000;

/** A running Foreshard, seen through its HTTP interface. */
export class Instance {
  /** Where it is, without a slash at the end. */
  readonly base: string;
  readonly #tokens: Tokens;

  constructor(base: string, tokens: Tokens) {
    this.base = base;
    this.#tokens = tokens;
  }

  /** @throws UserError when nothing answers there. */
  async check(): Promise<void> {
    const response = await this.#send("/healthz", {});
    if (!response.ok)
      throw new UserError(`${this.base} is no Foreshard, or not well: ${await explain(response)}`);
  }

  /** The stored shards under a prefix and their sizes, page by page. */
  async list(prefix: string): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>();
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({ prefix, limit: "1000", ...(cursor !== undefined && { cursor }) });
      const page = pageSchema.parse(await this.#json(`/shards?${query}`, { token: this.#tokens.read }));
      for (const { id, size } of page.shards) sizes.set(id, size);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return sizes;
  }

  async store(id: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#json(shardPath(id), { method: "PUT", body, token: this.#tokens.write });
  }

  /** Deletes a shard, or does nothing where there is none. */
  async delete(id: string): Promise<void> {
    await this.#answer(shardPath(id), { method: "DELETE", token: this.#tokens.write });
  }

  async settings(): Promise<InstanceSettings> {
    return settingsSchema.parse(await this.#json("/admin/api/settings", { token: this.#tokens.admin }));
  }

  async changeSettings(change: ReplaySettings): Promise<InstanceSettings> {
    const body = JSON.stringify(change);
    const answer = await this.#json("/admin/api/settings", {
      method: "PUT",
      body,
      token: this.#tokens.admin,
    });
    return settingsSchema.parse(answer);
  }

  /** Drops all copies and everything learned. */
  async forget(): Promise<void> {
    await this.#json("/admin/api/forget", { method: "POST", token: this.#tokens.admin });
  }

  async partitions(): Promise<readonly InstancePartition[]> {
    const answer = await this.#json("/admin/api/partitions", { token: this.#tokens.admin });
    return partitionsSchema.parse(answer).partitions;
  }

  /** Reads a shard as a user does, to the end. */
  async read({
    path,
    user,
    event,
    region,
  }: PlannedRequest): Promise<{ status: number; cacheStatus: string | null }> {
    const headers = {
      "Foreshard-User": user,
      "Foreshard-Event": event,
      ...(region !== undefined && { "Foreshard-Region": region }),
    };
    const response = await this.#send(path, { headers, token: this.#tokens.read });
    await response.arrayBuffer();
    return { status: response.status, cacheStatus: response.headers.get("Cache-Status") };
  }

  async #json(path: string, request: Outgoing): Promise<unknown> {
    return JSON.parse(await this.#answer(path, request));
  }

  /** The body of an answer that says yes. */
  async #answer(path: string, request: Outgoing): Promise<string> {
    const response = await this.#send(path, request);
    if (response.ok) return response.text();
    const refused = response.status === 401 || response.status === 403;
    const why = `${request.method ?? "GET"} ${path.split("?")[0]}: ${await explain(response)}`;
    throw new UserError(
      refused
        ? `The instance refused the token for ${why} Give the right one: see --help.`
        : `The instance refused ${why}`,
    );
  }

  async #send(path: string, { token, ...request }: Outgoing): Promise<Response> {
    const headers = new Headers(request.headers);
    if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
    try {
      return await fetch(`${this.base}${path}`, {
        ...request,
        headers,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      const why =
        cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
      throw new UserError(
        `Nothing answers at ${this.base} (${why || "no connection"}). Start Foreshard with npm start, or give --url.`,
        { cause },
      );
    }
  }
}

interface Outgoing {
  readonly method?: "PUT" | "POST" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly token?: string | undefined;
}

/** The reason in a problem+json answer, or what there is instead. */
async function explain(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return problemSchema.parse(JSON.parse(text)).detail;
  } catch {
    return `status ${response.status} ${text.slice(0, 200)}`.trim(); // No problem+json: from something in between.
  }
}
