import { expect, it } from "vitest";
import { CALLS } from "../../src/contract/openapi.ts";
import { app } from "../../src/routes/app.ts";
import { call, problem } from "./support.ts";

/** `/shards/{id}` as the app's routes have it. */
const routed = (path: string): string => path.replace("{id}", "*");

it("describes every route the app has, and no other", () => {
  const described = new Set(CALLS.map(({ method, path }) => `${method.toUpperCase()} ${routed(path)}`));
  described.delete("HEAD /shards/*"); // Answered by the GET route.
  const own = new Set(["GET /openapi.json", "GET /docs", "GET /docs/style.css", "GET /admin/style.css"]);
  const routes = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);
  expect(new Set(routes.filter((route) => !own.has(route)))).toEqual(described);
});

it("serves the description to machines and to people, without a script", async () => {
  const document = await (await call("/openapi.json")).json<{
    openapi: string;
    paths: Record<string, object>;
  }>();
  expect(document.openapi).toBe("3.1.0");
  expect(Object.keys(document.paths["/shards/{id}"] ?? {})).toEqual(["get", "head", "put", "delete"]);
  const page = await call("/docs");
  expect(page.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
  expect(await page.text()).not.toContain("<script");
});

it("explains each problem where its type points", async () => {
  const { type } = await problem(await call("/shards/docs/none"));
  const [path, anchor] = type.split("#");
  expect(await (await call(path ?? "")).text()).toContain(`id="${anchor}"`);
});
