import { UserError } from "../../simulator/user-error.ts";
import { askConsent } from "./consent.ts";
import { startEmpty } from "./empty-start.ts";
import type { Instance, ReplaySettings } from "./instance.ts";
import type { ReplayPlan } from "./plan.ts";
import { withSettings } from "./with-settings.ts";
import { missingShards, type StoringOptions, withShards } from "./with-shards.ts";

/** How to go about it. */
export interface PreparingOptions extends StoringOptions {
  /** Do not ask. */
  readonly yes: boolean;
  /** Regions to play; those of nobody in particular when there are none. */
  readonly regions?: readonly string[];
}

/**
 * Does something with an instance that has the plan's shards, these settings, and nothing cached or learned. Asks first,
 * and puts settings and shards back as they were afterwards, however it ends.
 */
export async function prepared<Result>(
  instance: Instance,
  plan: ReplayPlan,
  change: ReplaySettings,
  options: PreparingOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const { signal, yes, keep, regions = [] } = options;
  const [first] = plan.requests;
  if (first === undefined) throw new UserError("The trace has no requests.");
  const missing = missingShards(plan, await instance.list(plan.prefix));
  const { settings: now } = await instance.settings();
  await askConsent({ url: instance.base, change, now, prefix: plan.prefix, missing, keep }, yes, signal);
  return withShards(instance, missing, options, () =>
    withSettings(instance, change, async ({ version }) => {
      for (const region of regions) await instance.read({ ...first, region });
      await startEmpty(instance, first, version, signal);
      return work();
    }),
  );
}
