import { createDurable } from "itty-durable";
import {
  DEFAULT_SETTINGS,
  settingsPatchSchema,
  settingsSchema,
  type VersionedSettings,
} from "../src/contract/settings.ts";

/**
 * The operator's settings: one tiny, rarely written document. It persists when it is changed and at no other time;
 * reads write nothing. Reached through `settingsStore` only.
 */
export class Settings extends createDurable({ autoPersist: false, autoReturn: false }) {
  version = 0;
  document: Record<string, unknown> = {};

  /** The settings, those never set at their defaults. Stored values that are no longer valid fall back to them. */
  read(): VersionedSettings {
    const stored = settingsSchema.safeParse(this.document);
    return { version: this.version, settings: stored.success ? stored.data : DEFAULT_SETTINGS };
  }

  /** Changes some settings and persists. `encoded` is a percent-encoded JSON patch. */
  async update(encoded: string): Promise<VersionedSettings> {
    const patch = settingsPatchSchema.parse(JSON.parse(decodeURIComponent(encoded)));
    this.document = settingsSchema.parse({ ...this.read().settings, ...patch });
    this.version += 1;
    await this.persist();
    return this.read();
  }
}
