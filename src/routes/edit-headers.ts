import type { Context } from "hono";
import type { AppTypes } from "./app-types.ts";

/** Changes the headers of the response there is: in place where it can be, in a copy of it otherwise. */
export function editHeaders(context: Context<AppTypes>, edit: (headers: Headers) => void): void {
  const response = context.res;
  try {
    edit(response.headers);
  } catch {
    // Responses of other Workers and of assets cannot be changed in place.
    const changed = new Response(response.body, response);
    edit(changed.headers);
    context.res = undefined;
    context.res = changed;
  }
}

/** Adds a name to `Vary`, once. */
export function addVary(headers: Headers, name: string): void {
  const names = (headers.get("Vary") ?? "").split(",").map((text) => text.trim());
  if (names.some((text) => text === "*" || text.toLowerCase() === name.toLowerCase())) return;
  headers.append("Vary", name);
}
