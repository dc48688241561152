import type { Bindings } from "../bindings.ts";
import { type RoutingState, routingStateSchema, versionsOf } from "../contract/routing-state.ts";
import { DEFAULT_SETTINGS } from "../contract/settings.ts";
import { INITIAL_TOPOLOGY } from "../core/placement/topology.ts";
import { SECOND } from "../core/units.ts";

/** How long a request that cannot do without the state waits for it: a coordinator that is away costs no more. */
const ANSWER_TIMEOUT = 2 * SECOND;
/** Nothing is refused by knowledge older than this: whoever is refused never reaches a partition, which would tell. */
const REFUSE_WITHIN = 10 * SECOND;

/** What this isolate knows of topology and settings; partitions' answers bring what is newer. */
let known: RoutingState = {
  topology: INITIAL_TOPOLOGY,
  settings: { version: 0, settings: DEFAULT_SETTINGS },
};
let versions = versionsOf(known);
let settled = false;
let askedAt = Number.NEGATIVE_INFINITY;

/** The state to route and validate with: never waits. */
export const currentRoutingState = (): RoutingState => known;

/** What partitions are told that this isolate knows. */
export const currentVersions = (): string => versions;

/** Takes what is newer. */
export function learnRoutingState({ topology, settings }: Partial<RoutingState>): void {
  known = {
    topology:
      topology !== undefined && topology.version >= known.topology.version ? topology : known.topology,
    settings:
      settings !== undefined && settings.version >= known.settings.version ? settings : known.settings,
  };
  versions = versionsOf(known);
  settled = true;
}

/** Takes what a partition answered besides, if anything. What another version of the code may say is parsed. */
export function learnFrom({ state }: { readonly state?: unknown }): void {
  if (state === undefined) return;
  const parsed = routingStateSchema.safeParse(state);
  if (parsed.success) learnRoutingState(parsed.data);
}

/** Waits, not for long, for the first state when this isolate has none yet. For requests that cannot do without. */
export async function settledRoutingState(env: Bindings): Promise<RoutingState> {
  if (!settled) await answer(env);
  // Whatever came of it: partitions tell the next ones.
  settled = true;
  return known;
}

/** The state to refuse a request by: asks again when that was not a moment ago. */
export async function confirmedRoutingState(env: Bindings): Promise<RoutingState> {
  if (Date.now() - askedAt >= REFUSE_WITHIN) await answer(env);
  return known;
}

/** Every request asks for itself: one that waited for another's call would hang if that one's client went away. */
const answer = (env: Bindings): Promise<void> =>
  Promise.race([ask(env), scheduler.wait(ANSWER_TIMEOUT).then(() => undefined)]);

async function ask(env: Bindings): Promise<void> {
  askedAt = Date.now();
  try {
    learnFrom({ state: await env.COORDINATOR.getByName("main").routingState() });
  } catch {
    // The coordinator is away: what is known goes on being used.
  }
}
