import { type Context, Hono } from "hono";
import {
  type EventInput,
  eventsSchema,
  MAX_EVENTS,
  MAX_EVENTS_BYTES,
  type PartitionEvent,
} from "../contract/events.ts";
import { ProblemError } from "../contract/problems.ts";
import { type PartitionAddress, route } from "../core/routing/route.ts";
import { partitionStub } from "../storage/partition-stub.ts";
import type { AppTypes } from "./app.ts";
import { authorize } from "./authorize.ts";
import { currentEdgeState } from "./edge-state.ts";
import { type RequestContext, requestContext } from "./request-context.ts";

/** `POST /events`: what users did besides reading shards. */
export const eventRoutes = new Hono<AppTypes>();

eventRoutes.post("/", async (context) => {
  await authorize(context.req.raw, "events", context.var.config);
  const request = requestContext(context);
  const events = parseEvents(await readText(context), context.req.header("Content-Type"));
  const accepted = await Promise.all(
    byPartition(events, request).map(({ address, events }) =>
      partitionStub(context.env, address).observe(events),
    ),
  );
  return context.json({ accepted: accepted.reduce((sum, count) => sum + count, 0) }, 202, {
    "Cache-Control": "no-store",
  });
});

eventRoutes.all("/", () => {
  throw new ProblemError("method-not-allowed", "Events are sent with POST.", { Allow: "POST, OPTIONS" });
});

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

/** One event, an array, or NDJSON; @throws ProblemError `invalid-body` naming the field. */
function parseEvents(text: string, contentType = ""): readonly EventInput[] {
  const values = /ndjson|jsonl|json-seq/i.test(contentType) ? parseLines(text) : parseJson(text);
  if (values.length > MAX_EVENTS)
    throw new ProblemError(
      "too-large",
      `Send at most ${MAX_EVENTS} events at once; these are ${values.length}.`,
    );
  const parsed = eventsSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const [index, ...path] = issue?.path ?? [];
  const field = [`events[${String(index ?? 0)}]`, ...path.map(String)].join(".");
  throw new ProblemError("invalid-body", `${field}: ${issue?.message ?? "not valid"}`);
}

function parseJson(text: string): readonly unknown[] {
  const value = jsonOr(text, () => "The body is not JSON. Send an event, an array of events, or NDJSON.");
  return Array.isArray(value) ? value : [value];
}

function parseLines(text: string): readonly unknown[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line, index) => jsonOr(line, () => `events[${index}]: this line is not JSON`));
}

function jsonOr(text: string, complaint: () => string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProblemError("invalid-body", complaint());
  }
}

/** Events by the partition that serves their user. */
function byPartition(events: readonly EventInput[], request: RequestContext) {
  const { topology } = currentEdgeState();
  const groups = new Map<string, { address: PartitionAddress; events: PartitionEvent[] }>();
  for (const { user = request.user, region = request.region, time = Date.now(), ...event } of events) {
    const address = route(region, user, topology);
    const group = groups.get(address.name) ?? { address, events: [] };
    groups.set(address.name, group);
    group.events.push({ ...event, user, region, time });
  }
  return [...groups.values()];
}
