import type { EdgeState } from "../contract/coordination.ts";
import { DEFAULT_SETTINGS, type VersionedSettings } from "../contract/settings.ts";
import { INITIAL_TOPOLOGY } from "../core/placement/topology.ts";
import { SECOND } from "../core/units.ts";
import type { Env } from "../env.ts";

/** How old the isolate's knowledge may get while there is traffic. */
const REFRESH_EVERY = 10 * SECOND;

/** What this isolate knows of topology and settings. Shared by its requests; refreshed behind their responses. */
let known: EdgeState = { topology: INITIAL_TOPOLOGY, settings: { version: 0, settings: DEFAULT_SETTINGS } };
let askedAt = Number.NEGATIVE_INFINITY;
let asking: Promise<void> | null = null;

/** The state to route and validate with: never waits. */
export const currentEdgeState = (): EdgeState => known;

/** Refreshes the state in the background when it is old. */
export function refreshEdgeState(env: Env, context: { waitUntil(promise: Promise<unknown>): void }): void {
  if (Date.now() - askedAt < REFRESH_EVERY) return;
  context.waitUntil(ask(env));
}

/** Waits for the first state when this isolate has none yet. For the few requests that cannot do without. */
export async function settledEdgeState(env: Env): Promise<EdgeState> {
  if (known.settings.version === 0 && Date.now() - askedAt >= REFRESH_EVERY) await ask(env);
  return known;
}

/** A change made through this isolate counts here at once. */
export function learnSettings(settings: VersionedSettings): void {
  if (settings.version >= known.settings.version) known = { ...known, settings };
}

function ask(env: Env): Promise<void> {
  askedAt = Date.now();
  asking ??= env.COORDINATOR.getByName("main")
    .edgeState()
    .then((state) => {
      known = state;
    })
    .catch(() => undefined) // The coordinator is away: what is known goes on being used.
    .finally(() => {
      asking = null;
    });
  return asking;
}
