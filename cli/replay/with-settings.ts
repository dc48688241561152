import type { Instance, InstanceSettings, ReplaySettings } from "./instance.ts";
import { withCleanup } from "./with-cleanup.ts";

/**
 * Does something under other settings and puts the former ones back, however it ends. Settings not named stay.
 * @throws UserError naming the former settings when they cannot be put back.
 */
export async function withSettings<Result>(
  instance: Pick<Instance, "settings" | "changeSettings">,
  change: ReplaySettings,
  work: (changed: InstanceSettings) => Promise<Result>,
): Promise<Result> {
  const { settings: former } = await instance.settings();
  return withCleanup(
    async () => work(await instance.changeSettings(change)),
    async () => {
      await instance.changeSettings(former);
    },
    (why) =>
      `The settings are still the replay's (${why}). ` +
      `Put them back with PUT /admin/api/settings: ${JSON.stringify(former)}`,
  );
}
