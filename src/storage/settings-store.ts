import { proxyDurable } from "itty-durable";
import { type SettingsPatch, type StoredSettings, storedSettingsSchema } from "../contract/settings.ts";

/**
 * The settings object, reached only through here: the way itty-durable's requests are made lets a caller set any
 * field or call any method, so no client's request is ever forwarded to it. Arguments travel in a header, hence
 * percent-encoded.
 */
export function settingsStore(namespace: DurableObjectNamespace) {
  // A fresh proxy each call: the request headers it builds on are shared and written to.
  const proxy = () => proxyDurable(namespace, { name: "SETTINGS", parse: true }).get("main");
  return {
    async read(): Promise<StoredSettings> {
      return storedSettingsSchema.parse(await proxy().read());
    },
    /** Changes some settings; the patch must have been parsed. */
    async update(patch: SettingsPatch): Promise<StoredSettings> {
      return storedSettingsSchema.parse(await proxy().update(encodeURIComponent(JSON.stringify(patch))));
    },
  };
}
