import type { Bindings } from "../bindings.ts";
import type { RoutingState } from "../contract/rpc.ts";
import { DEFAULT_SETTINGS, type VersionedSettings, versionedSettingsSchema } from "../contract/settings.ts";
import { INITIAL_TOPOLOGY } from "../core/placement/topology.ts";
import { SECOND } from "../core/units.ts";

/** How old the isolate's knowledge may get while there is traffic. */
const REFRESH_EVERY = 10 * SECOND;
/** How long a request that cannot do without the first state waits for it: a coordinator that is away costs no more. */
const FIRST_STATE_TIMEOUT = 2 * SECOND;

/** What this isolate knows of topology and settings. Shared by its requests; refreshed behind their responses. */
let known: RoutingState = {
  topology: INITIAL_TOPOLOGY,
  settings: { version: 0, settings: DEFAULT_SETTINGS },
};
let settled = false;
let askedAt = Number.NEGATIVE_INFINITY;

/** The state to route and validate with: never waits. */
export const currentRoutingState = (): RoutingState => known;

/** Refreshes the state in the background when it is old. */
export function refreshRoutingState(
  env: Bindings,
  context: { waitUntil(promise: Promise<unknown>): void },
): void {
  if (Date.now() - askedAt < REFRESH_EVERY) return;
  context.waitUntil(ask(env));
}

/** Waits, not for long, for the first state when this isolate has none yet. For requests that cannot do without. */
export async function settledRoutingState(env: Bindings): Promise<RoutingState> {
  // Every request asks for itself: one that waited for another's call would hang if that one's client went away.
  if (!settled) await Promise.race([ask(env), scheduler.wait(FIRST_STATE_TIMEOUT)]);
  // Whatever came of it: the next one is asked behind a response, not before it.
  settled = true;
  return known;
}

/** A change made through this isolate counts here at once. */
export function learnSettings(settings: VersionedSettings): void {
  if (settings.version >= known.settings.version) known = { ...known, settings };
}

async function ask(env: Bindings): Promise<void> {
  askedAt = Date.now();
  try {
    const { topology, settings } = await env.COORDINATOR.getByName("main").routingState();
    known = { ...known, topology };
    learnSettings(versionedSettingsSchema.parse(settings)); // The coordinator may run another version.
    settled = true;
  } catch {
    // The coordinator is away: what is known goes on being used.
  }
}
