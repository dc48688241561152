import { createDurable } from "itty-durable";
import { readSettings, type StoredSettings, settingsPatchSchema } from "../src/contract/settings.ts";

/**
 * The operator's settings: one tiny, rarely written document. It persists when it is changed and at no other time;
 * reads write nothing. Reached through `settingsStore` only.
 */
export class Settings extends createDurable({ autoPersist: false, autoReturn: false }) {
  version = 0;
  /** What was set, as it was set: also what only another version of the code knows. */
  document: Record<string, unknown> = {};

  /** The settings, those never set at their defaults, and so those whose stored value does not count. */
  read(): StoredSettings {
    return { version: this.version, ...readSettings(this.document) };
  }

  /** Changes some settings and persists. `encoded` is a percent-encoded JSON patch. */
  async update(encoded: string): Promise<StoredSettings> {
    const patch = settingsPatchSchema.parse(JSON.parse(decodeURIComponent(encoded)));
    this.document = { ...this.document, ...patch };
    this.version += 1;
    await this.persist();
    return this.read();
  }
}
