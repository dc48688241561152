import { createMiddleware } from "hono/factory";
import type { AppTypes } from "./app-types.ts";
import { editHeaders } from "./edit-headers.ts";

/** A year: what browsers that once came by HTTPS keep to. */
const HSTS = "max-age=31536000";
/** For answers that are no pages: nothing in them loads, runs or is framed. Pages bring their own policy. */
const NO_PAGE_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Headers every answer carries, whoever made it; those it has already stay. */
export const withSecurityHeaders = createMiddleware<AppTypes>(async (context, next) => {
  await next();
  const secure = !context.var.config.development && context.req.url.startsWith("https:");
  editHeaders(context, (headers) => {
    setDefault(headers, "X-Content-Type-Options", "nosniff");
    setDefault(headers, "Referrer-Policy", "no-referrer");
    setDefault(headers, "Content-Security-Policy", NO_PAGE_POLICY);
    if (secure) setDefault(headers, "Strict-Transport-Security", HSTS);
  });
});

/** The admin pages and their numbers are for nobody else's page, and for no cache. */
export const withAdminHeaders = createMiddleware<AppTypes>(async (context, next) => {
  await next();
  editHeaders(context, (headers) => {
    headers.set("Cache-Control", "no-store");
    headers.set("X-Frame-Options", "DENY");
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
  });
});

function setDefault(headers: Headers, name: string, value: string): void {
  if (!headers.has(name)) headers.set(name, value);
}
