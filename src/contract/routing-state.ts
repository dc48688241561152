import { z } from "zod";
import { isRegion } from "../core/placement/regions.ts";
import type { Topology } from "../core/placement/topology.ts";
import { type VersionedSettings, versionedSettingsSchema } from "./settings.ts";

/** Slots and generation of each region, as they travel and are stored. What is no region here is left out. */
export const topologySchema = z.object({
  version: z.int().nonnegative(),
  regions: z
    .record(
      z.string(),
      z.object({
        generation: z.int().min(1),
        slots: z.int().min(1),
        hot: z.record(z.string(), z.array(z.int().nonnegative()).min(1).readonly()).optional(),
      }),
    )
    .transform((regions) => Object.fromEntries(Object.entries(regions).filter(([name]) => isRegion(name)))),
});

/** What edge Workers route and validate with: never asked for on the path of a request. */
export interface RoutingState {
  readonly topology: Topology;
  readonly settings: VersionedSettings;
}

export const routingStateSchema = z.object({ topology: topologySchema, settings: versionedSettingsSchema });

/** The versions of a state as one short text, so that whoever answers can tell at a glance whether it has newer ones. */
export const versionsOf = ({ topology, settings }: RoutingState): string =>
  `${topology.version}.${settings.version}`;

/** Whether a state has anything newer than whoever names these versions knows. */
export function isNewerThan(state: RoutingState, versions: string): boolean {
  const [topology, settings] = versions.split(".").map(Number);
  return !(state.topology.version <= (topology ?? -1) && state.settings.version <= (settings ?? -1));
}

/**
 * A state as the value of a header. Without the pinned shards, which no edge looks at: they alone could take all the room
 * that headers have.
 */
export const encodeRoutingState = ({ topology, settings }: RoutingState): string =>
  encodeURIComponent(
    JSON.stringify({
      topology,
      settings: { version: settings.version, settings: { ...settings.settings, pinned: [] } },
    }),
  );

/** Reads a header's value back; null when it is none, as another version might write it. */
export function decodeRoutingState(value: string): RoutingState | null {
  try {
    return routingStateSchema
      .nullable()
      .catch(null)
      .parse(JSON.parse(decodeURIComponent(value)));
  } catch {
    return null; // Not even JSON: what is known goes on being used.
  }
}
