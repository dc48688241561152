import {
  DEFAULT_SETTINGS,
  type VersionedSettings,
  versionedSettingsSchema,
} from "../../src/contract/settings.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";

/** The settings last heard of; the defaults, at a version any real one replaces, where there are none. */
export function loadSettings({ sql }: NodeStorage): VersionedSettings {
  const fallback = { version: 0, settings: DEFAULT_SETTINGS };
  const [row] = sql.exec("SELECT body FROM documents WHERE name = 'settings'").toArray();
  if (row === undefined) return fallback;
  try {
    return versionedSettingsSchema.catch(fallback).parse(JSON.parse(String(row.body)));
  } catch {
    return fallback; // A damaged row: the next heartbeat brings the settings again.
  }
}

export function storeSettings({ sql }: NodeStorage, settings: VersionedSettings): void {
  sql.exec("INSERT OR REPLACE INTO documents (name, body) VALUES ('settings', ?)", JSON.stringify(settings));
}
