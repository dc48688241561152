import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";

/** Former settings of the instance. */
export const FORMER = { memoryBytes: 1_000, diskBytes: 2_000, prefetchMode: "threshold" };

/** As much of a Foreshard as a replay talks to: it stores, lists, forgets and changes its settings. */
export class FakeInstance {
  readonly shards = new Map<string, number>();
  settings: Record<string, unknown> = { ...FORMER };
  forgotten = 0;
  reads = 0;
  /** Every request that is no read, in order. */
  readonly changes: string[] = [];
  /** Answers 500 to requests that match, such as `POST /admin/api/forget`. */
  fails: RegExp | null = null;
  #version = 1;
  readonly #server: Server = createServer((request, response) => {
    this.#answer(request).then(
      ([status, body]) => {
        response.writeHead(status, { "Cache-Status": "Fake; fwd=uri-miss" });
        response.end(status === 204 ? undefined : JSON.stringify(body));
      },
      (cause: unknown) => response.destroy(cause instanceof Error ? cause : new Error(String(cause))),
    );
  });

  /** Starts it; returns its address. */
  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage): Promise<readonly [status: number, body: unknown]> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { pathname } = new URL(request.url ?? "/", "http://fake");
    const what = `${request.method} ${pathname}`;
    if (request.method !== "GET") this.changes.push(what);
    if (this.fails?.test(what)) return [500, { detail: "broken" }];
    if (pathname.startsWith("/shards/")) return this.#shard(request.method, pathname.slice(8), body.length);
    return [200, this.#admin(what, body)];
  }

  #shard(method: string | undefined, id: string, size: number): readonly [number, unknown] {
    if (method === "DELETE") return this.shards.delete(id) ? [204, null] : [404, { detail: "none" }];
    if (method === "PUT") this.shards.set(id, size);
    else this.reads++;
    return [this.shards.has(id) ? 200 : 404, {}];
  }

  #admin(what: string, body: Buffer): unknown {
    switch (what) {
      case "GET /shards":
        return { shards: [...this.shards].map(([id, size]) => ({ id, size })) };
      case "PUT /admin/api/settings":
        this.#version++;
        this.settings = { ...this.settings, ...JSON.parse(body.toString()) };
        return { version: this.#version, settings: this.settings };
      case "GET /admin/api/settings":
        return { version: this.#version, settings: this.settings };
      case "POST /admin/api/forget":
        this.forgotten++;
        return {};
      case "GET /admin/api/partitions":
        return { partitions: [{ partition: "p", available: true, settingsVersion: this.#version }] };
      default:
        return {};
    }
  }
}
