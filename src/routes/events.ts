import { type Context, Hono } from "hono";
import type { Bindings } from "../bindings.ts";
import {
  type EventInput,
  eventsSchema,
  MAX_EVENTS,
  MAX_EVENTS_BYTES,
  type PartitionEvent,
} from "../contract/events.ts";
import { describeFaults, describeZodError, ProblemError } from "../contract/problems.ts";
import { withTimeout } from "../core/clock.ts";
import type { Region } from "../core/placement/regions.ts";
import { homeOf, type PartitionAddress } from "../core/routing/route.ts";
import { partitionStub } from "../edge/partition-stub.ts";
import { currentRoutingState, currentVersions, learnFrom } from "../edge/routing-state.ts";
import { SYSTEM_CLOCK } from "../system-clock.ts";
import type { AppTypes } from "./app-types.ts";
import { authorize } from "./authorize.ts";
import { callerAddress, limitRate } from "./rate-limit.ts";
import { type RequestContext, requestContext } from "./request-context.ts";

/** A partition that does not take events within this time is left alone, ms. */
const OBSERVE_TIMEOUT = 5_000;

/** `POST /events`: what users did besides reading shards. */
export const eventRoutes = new Hono<AppTypes>();

eventRoutes.post("/", async (context) => {
  const caller = await authorize(context.req.raw, "events", context.var.config);
  // By address as well: pages of many users may share one token, and one of them must not use it up.
  await limitRate(
    context.env.EVENT_LIMIT,
    `${caller}:${await callerAddress(context.req.raw)}`,
    "posts of events",
  );
  const request = requestContext(context);
  const events = parseEvents(await readText(context), context.req.header("Content-Type"));
  if (!context.var.config.development) refuseOtherRegions(events, request.region);
  const accepted = await observed(context.env, byPartition(events, request));
  return context.json({ accepted }, 202, { "Cache-Control": "no-store" });
});

eventRoutes.all("/", () => {
  throw new ProblemError("method-not-allowed", "Events are sent with POST.", { Allow: "POST, OPTIONS" });
});

/**
 * Gives partitions their events and says how many were taken: events are for learning, so what a partition in trouble
 * does not take is lost, not repeated.
 * @throws ProblemError `overloaded` when no partition took any because of a fault.
 */
async function observed(env: Bindings, groups: ReturnType<typeof byPartition>): Promise<number> {
  const outcomes = await Promise.allSettled(
    groups.map(({ address, events }) =>
      withTimeout(
        partitionStub(env, address).observe(events, currentVersions()),
        OBSERVE_TIMEOUT,
        SYSTEM_CLOCK,
      ),
    ),
  );
  const taken = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  if (taken.length === 0 && outcomes.length > 0)
    throw new ProblemError("overloaded", "No partition takes events now; send them again in a moment.", {
      "Retry-After": "5",
    });
  for (const answer of taken) learnFrom(answer);
  return taken.reduce((sum, { accepted }) => sum + accepted, 0);
}

/** Reads the body up to its limit, whatever Content-Length says. */
async function readText(context: Context<AppTypes>): Promise<string> {
  const tooLarge = () =>
    new ProblemError("too-large", `Send at most ${MAX_EVENTS_BYTES / 1_024} KiB of events at once.`);
  if (Number(context.req.header("Content-Length") ?? 0) > MAX_EVENTS_BYTES) throw tooLarge();
  const decoder = new TextDecoder();
  let size = 0;
  let text = "";
  for await (const chunk of context.req.raw.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_EVENTS_BYTES) throw tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** One event, an array, or NDJSON; @throws ProblemError `invalid-body` naming the fields. */
function parseEvents(text: string, contentType = ""): readonly EventInput[] {
  const values = /ndjson|jsonl|json-seq/i.test(contentType) ? parseLines(text) : parseJson(text);
  if (values.length > MAX_EVENTS)
    throw new ProblemError(
      "too-large",
      `Send at most ${MAX_EVENTS} events at once; these are ${values.length}.`,
    );
  const parsed = eventsSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw new ProblemError("invalid-body", describeZodError(parsed.error, "events"));
}

function parseJson(text: string): readonly unknown[] {
  const value = jsonOf(text);
  if (value === undefined)
    throw new ProblemError(
      "invalid-body",
      "The body is not JSON. Send an event, an array of events, or NDJSON.",
    );
  return Array.isArray(value) ? value : [value];
}

function parseLines(text: string): readonly unknown[] {
  const values = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(jsonOf);
  const faults = values.flatMap((value, index) =>
    value === undefined ? [`events[${index}]: not JSON`] : [],
  );
  if (faults.length > 0) throw new ProblemError("invalid-body", describeFaults(faults));
  return values;
}

/** What a JSON text says; undefined, which no JSON text says, where it is none. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws ProblemError `region-switch-refused`: nobody teaches other regions' partitions what happens there. */
function refuseOtherRegions(events: readonly EventInput[], own: Region): void {
  const faults = events.flatMap(({ region = own }, index) =>
    region === own ? [] : [`events[${index}].region: must be ${own}`],
  );
  if (faults.length === 0) return;
  throw new ProblemError(
    "region-switch-refused",
    `${describeFaults(faults)}. Leave region out: it follows from where a request comes from.`,
  );
}

/** Events by the home of their user. */
function byPartition(events: readonly EventInput[], request: RequestContext) {
  const { topology } = currentRoutingState();
  const groups = new Map<string, { address: PartitionAddress; events: PartitionEvent[] }>();
  const now = Date.now();
  for (const { user = request.user, region = request.region, time = now, ...event } of events) {
    const address = homeOf(region, user, topology);
    const group = groups.get(address.name) ?? { address, events: [] };
    groups.set(address.name, group);
    // What has not happened yet must not be learned from as if it had: it would outweigh all that follows.
    group.events.push({ ...event, user, region, time: Math.min(time, now) });
  }
  return [...groups.values()];
}
