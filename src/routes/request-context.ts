import type { Context } from "hono";
import { dataTypeSchema, eventTypeSchema, userSchema } from "../contract/events.ts";
import { ProblemError } from "../contract/problems.ts";
import { hash32 } from "../core/hash.ts";
import { isRegion, REGIONS, type Region } from "../core/placement/regions.ts";
import { locate, type Place } from "../core/routing/locate.ts";
import type { AppTypes } from "./app-types.ts";

/** Who asks, from where, doing what. */
export interface RequestContext {
  readonly user: string;
  readonly eventType: string;
  readonly dataType: string | undefined;
  readonly region: Region;
}

/** Event type of a read whose caller names none. */
const DEFAULT_EVENT_TYPE = "read";

/**
 * Derives the request context from headers and `request.cf`: no look-up.
 * @throws ProblemError `invalid-header` or `region-switch-refused`.
 */
export function requestContext(context: Context<AppTypes>): RequestContext {
  const user = checked(context, "Foreshard-User", userSchema) ?? connectionUser(context);
  const region = switchedRegion(context) ?? locate(placeOf(context.req.raw));
  return {
    user,
    region,
    eventType: checked(context, "Foreshard-Event", eventTypeSchema) ?? DEFAULT_EVENT_TYPE,
    dataType: checked(context, "Foreshard-Data-Type", dataTypeSchema),
  };
}

/** Users who do not name themselves are told apart by their connection, hashed. */
function connectionUser(context: Context<AppTypes>): string {
  const address = context.req.header("CF-Connecting-IP") ?? "";
  const agent = context.req.header("User-Agent") ?? "";
  return `~${hash32(`${address}\n${agent}`).toString(36)}${hash32(`${address}\n${agent}`, 1).toString(36)}`;
}

function checked(context: Context<AppTypes>, name: string, schema: typeof userSchema): string | undefined {
  const value = context.req.header(name);
  if (value === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProblemError("invalid-header", `${name}: ${parsed.error.issues[0]?.message ?? "not valid"}`);
}

/** Lets a developer play any region on one machine. */
function switchedRegion(context: Context<AppTypes>): Region | null {
  const name = context.req.header("Foreshard-Region");
  if (name === undefined) return null;
  if (!context.var.config.development)
    throw new ProblemError(
      "region-switch-refused",
      "Leave the Foreshard-Region header out: regions follow from where a request comes from.",
    );
  if (isRegion(name)) return name;
  throw new ProblemError("invalid-header", `Foreshard-Region: must be one of ${REGIONS.join(", ")}`);
}

function placeOf(request: Request): Place {
  const cf: unknown = request.cf;
  if (typeof cf !== "object" || cf === null) return {};
  const text = (name: string): string | undefined => {
    const value: unknown = Reflect.get(cf, name);
    return typeof value === "string" ? value : undefined;
  };
  return { continent: text("continent"), country: text("country"), longitude: text("longitude") };
}
