import { messageOf, UserError } from "../../simulator/user-error.ts";
import type { Instance, InstanceSettings, ReplaySettings } from "./instance.ts";

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
  const outcome = await attempt(async () => work(await instance.changeSettings(change)));
  try {
    await instance.changeSettings(former);
  } catch (cause) {
    const also = "cause" in outcome ? `${messageOf(outcome.cause)}\n` : "";
    const remedy = `Put them back with PUT /admin/api/settings: ${JSON.stringify(former)}`;
    throw new UserError(`${also}The settings are still the replay's (${messageOf(cause)}). ${remedy}`, {
      cause,
    });
  }
  if ("cause" in outcome) throw outcome.cause;
  return outcome.result;
}

async function attempt<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result } | { readonly cause: unknown }> {
  try {
    return { result: await work() };
  } catch (cause) {
    return { cause };
  }
}
