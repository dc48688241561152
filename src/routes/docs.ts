import { Hono } from "hono";
import { html } from "hono/html";
import { CALLS, openApiDocument } from "../contract/openapi.ts";
import { PROBLEMS } from "../contract/problems.ts";
import type { AppTypes } from "./app-types.ts";
import { PAGE_STYLE } from "./page-style.ts";

/** `/openapi.json` and `/docs`: the interface for machines and for people. Open: they hold nothing but the contract. */
export const docRoutes = new Hono<AppTypes>();

/** An hour: what they say changes with a deployment only. */
const CACHE_CONTROL = "public, max-age=3600";

docRoutes.get("/openapi.json", (context) =>
  context.json(openApiDocument(), 200, { "Cache-Control": CACHE_CONTROL }),
);

docRoutes.get("/docs/style.css", (context) =>
  context.body(PAGE_STYLE, 200, { "Content-Type": "text/css", "Cache-Control": CACHE_CONTROL }),
);

docRoutes.get("/docs", (context) =>
  context.html(page(), 200, {
    "Cache-Control": CACHE_CONTROL,
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
  }),
);

const page = () => html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <title>Foreshard: the interface</title>
      <link rel="stylesheet" href="/docs/style.css" />
    </head>
    <body>
      <h1>Foreshard</h1>
      <p class="note">Shards from memory near their readers. The same for machines: <a href="/openapi.json">openapi.json</a>.</p>
      <h2>Calls</h2>
      <div class="scroll"><table>
        <thead><tr><th>Call</th><th class="text">Does</th><th class="text">Token</th></tr></thead>
        <tbody>
          ${CALLS.map(
            ({ method, path, summary, token }) =>
              html`<tr><td>${method.toUpperCase()} ${path}</td><td class="text wide">${summary}</td><td class="text">${token ?? "none"}</td></tr>`,
          )}
        </tbody>
      </table></div>
      <h2>Problems</h2>
      <p class="note">Errors are application/problem+json; their type leads here, their detail says what to do.</p>
      <div class="scroll"><table>
        <thead><tr><th>Type</th><th>Status</th><th class="text">Meaning</th></tr></thead>
        <tbody>
          ${Object.entries(PROBLEMS).map(
            ([code, [status, title]]) =>
              html`<tr id="problem-${code}"><td>${code}</td><td>${status}</td><td class="text">${title}</td></tr>`,
          )}
        </tbody>
      </table></div>
    </body>
  </html>`;
