import type { Scope } from "../../src/routes/authorize.ts";

/** What a route of the app asks of its callers. */
export type Rule =
  /** Runs around other routes and answers nothing of its own that needs a credential. */
  | "middleware"
  | "open"
  /** Answers 405 to methods the resource does not have: nothing to guard. */
  | "refuses-method"
  | Scope;

/**
 * Every route of the app, as `app.routes` lists them, with what it needs. A route that is not here fails the test: who
 * adds one decides who may call it.
 */
export const AUTHORIZATION: Readonly<Record<string, Rule>> = {
  "ALL /*": "middleware",
  "ALL /shards/*": "refuses-method",
  "ALL /events": "refuses-method",
  "ALL /admin/*": "middleware",
  "GET /healthz": "open",
  "GET /openapi.json": "open",
  "GET /docs": "open",
  "GET /docs/style.css": "open",
  "GET /shards": "read",
  "GET /shards/*": "read",
  "PUT /shards/*": "write",
  "DELETE /shards/*": "write",
  "POST /events": "events",
  "GET /admin": "admin",
  "GET /admin/style.css": "admin",
  "GET /admin/api/partitions": "admin",
  "GET /admin/api/correlations": "admin",
  "GET /admin/api/map": "admin",
  "GET /admin/api/learning": "admin",
  "GET /admin/api/proof": "admin",
  "GET /admin/api/explain": "admin",
  "GET /admin/api/prefetches": "admin",
  "GET /admin/api/placement": "admin",
  "GET /admin/api/topology": "admin",
  "GET /admin/api/dead-letters": "admin",
  "GET /admin/api/settings": "admin",
  "PUT /admin/api/settings": "admin",
  "POST /admin/api/forget": "admin",
  "POST /admin/api/rebalance": "admin",
};
