import { env, exports } from "cloudflare:workers";
import type { PartitionStatus } from "../../src/contract/rpc.ts";
import type { Region } from "../../src/core/placement/regions.ts";

/** A request to the Worker as the tests' users send it: from western Europe unless `region` says otherwise. */
export function call(
  path: string,
  init: RequestInit & { region?: Region; user?: string; event?: string; token?: string } = {},
): Promise<Response> {
  const { region = "weur", user = "ada", event, token, ...rest } = init;
  const headers = new Headers(rest.headers);
  headers.set("Foreshard-Region", region);
  headers.set("Foreshard-User", user);
  if (event !== undefined) headers.set("Foreshard-Event", event);
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  return exports.default.fetch(new Request(`https://foreshard.test${path}`, { ...rest, headers }));
}

/** Stores a shard with the write token. */
export const put = (
  id: string,
  body: BodyInit,
  headers: Record<string, string> = {},
  user = "ada",
): Promise<Response> => {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return call(`/shards/${id}`, { method: "PUT", body: bytes, headers, token: "write", user });
};

/** Reads a shard; its body is consumed so that the request is over. */
export async function read(id: string, init: Parameters<typeof call>[1] = {}) {
  const response = await call(`/shards/${id}`, init);
  return {
    status: response.status,
    cache: response.headers.get("Cache-Status"),
    text: new TextDecoder().decode(await response.arrayBuffer()),
    headers: response.headers,
  };
}

export const partition = (name = "g1:weur:0") => env.PARTITION.getByName(name);
export const coordinator = () => env.COORDINATOR.getByName("main");

export async function status(name = "g1:weur:0"): Promise<PartitionStatus> {
  return await partition(name).status();
}

/** Asks until `probe` gives something else than null, for what happens behind responses. */
export async function eventually<T>(probe: () => Promise<T | null> | T | null, tries = 200): Promise<T> {
  for (let i = 0; i < tries; i++) {
    const value = await probe();
    if (value !== null) return value;
    await scheduler.wait(25);
  }
  throw new Error("what was waited for did not happen");
}

/** The `detail` of a problem, after checking that it is one. */
export async function problem(response: Response): Promise<{ type: string; status: number; detail: string }> {
  if (response.headers.get("Content-Type") !== "application/problem+json")
    throw new Error(`not a problem: ${response.status} ${response.headers.get("Content-Type")}`);
  return response.json();
}
