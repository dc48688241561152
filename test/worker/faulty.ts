import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type MockInstance, vi } from "vitest";
import type { Bindings } from "../../src/bindings.ts";
import { app } from "../../src/routes/app.ts";

/** R2's errors as the runtime throws them: the code is at the end of the message. */
export const R2_FAILED = "We encountered an internal error. Please try again. (10001)";
export const R2_THROTTLED = "Reduce your concurrent request rate for the same object. (10058)";

type Operation = "get" | "head" | "put" | "delete" | "list";

/** What becomes of an operation: it fails, is never answered, happens when a promise resolves, or happens. */
type Verdict = Error | "silent" | Promise<void> | null;

/** R2 for the edge and for partitions alike, failing by plan; `failing` is asked before each operation. */
export function breakR2(failing: (operation: Operation, key: string, call: number) => Verdict) {
  const prototype: Record<Operation, (...values: unknown[]) => Promise<unknown>> = Object.getPrototypeOf(
    env.SHARDS,
  );
  const calls: string[] = [];
  const spies: MockInstance[] = (["get", "head", "put", "delete", "list"] as const).map((operation) => {
    const original = prototype[operation];
    return vi.spyOn(prototype, operation).mockImplementation(function (this: unknown, ...values: unknown[]) {
      calls.push(operation);
      const verdict = failing(operation, String(values[0]), calls.length);
      if (verdict === "silent") return new Promise(() => undefined);
      if (verdict instanceof Promise) return verdict.then(() => original.apply(this, values));
      return verdict === null ? original.apply(this, values) : Promise.reject(verdict);
    });
  });
  return {
    calls,
    mend(): void {
      for (const spy of spies) spy.mockRestore();
    },
  };
}

/** What partitions' stubs do in place of answering. */
export type StubFault = () => Promise<never>;

/** Errors of the platform carry these flags. */
export const platformError = (message: string, flags: { retryable?: boolean; overloaded?: boolean }): Error =>
  Object.assign(new Error(message), flags);

/** A namespace whose objects fail `times` times before they work; counts how often they were called. */
export function faultyNamespace<Name extends "PARTITION" | "COORDINATOR">(
  name: Name,
  fault: StubFault,
  times = Number.POSITIVE_INFINITY,
) {
  const real = env[name];
  const calls: string[] = [];
  const stubOf = (stub: object) =>
    new Proxy(stub, {
      get(target, method) {
        const value: unknown = Reflect.get(target, method);
        if (typeof value !== "function" || method === "then") return value;
        return (...values: unknown[]) => {
          calls.push(String(method));
          return calls.length <= times ? fault() : Reflect.apply(value, target, values);
        };
      },
    });
  const namespace = {
    idFromName: (id: string) => real.idFromName(id),
    get: (id: DurableObjectId) => stubOf(real.get(id)),
    getByName: (id: string) => stubOf(real.getByName(id)),
  } as unknown as Bindings[Name];
  return { namespace, calls };
}

/** A request to the app with some of its bindings replaced. */
export async function callWith(
  bindings: Partial<Bindings>,
  path: string,
  init: { method?: string; token?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  const { method = "GET", token, body } = init;
  const headers = new Headers({ "Foreshard-User": "ada", ...init.headers });
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  if (body !== undefined && !headers.has("Content-Length"))
    headers.set("Content-Length", String(new TextEncoder().encode(body).length));
  const request = new Request(`https://foreshard.test${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: new TextEncoder().encode(body) }),
  });
  return app.fetch(request, { ...env, ...bindings }, createExecutionContext());
}
