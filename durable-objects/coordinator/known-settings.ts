import { DEFAULT_SETTINGS, type VersionedSettings } from "../../src/contract/settings.ts";
import type { Clock } from "../../src/core/clock.ts";
import { MINUTE } from "../../src/core/units.ts";

/** How often the settings are read again, in case the news of a change did not arrive. */
const READ_EVERY = MINUTE;

/** The operator's settings as the coordinator knows them: read now and then, and told when they change. */
export class KnownSettings {
  readonly #clock: Clock;
  readonly #read: () => Promise<VersionedSettings>;
  #known: VersionedSettings | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, read: () => Promise<VersionedSettings>) {
    this.#clock = clock;
    this.#read = read;
  }

  /** These are the settings now, unless a newer version is known. */
  heard(settings: VersionedSettings): void {
    if (this.#known !== undefined && settings.version < this.#known.version) return;
    this.#known = settings;
    this.#heardAt = this.#clock.now();
  }

  /** The settings; the last known, or the defaults at a version any real one replaces, where they cannot be read. */
  async current(): Promise<VersionedSettings> {
    if (this.#known !== undefined && this.#clock.now() - this.#heardAt < READ_EVERY) return this.#known;
    try {
      this.heard(await this.#read());
    } catch {
      // The settings object does not answer; the next call asks again.
    }
    return this.#known ?? { version: 0, settings: DEFAULT_SETTINGS };
  }
}
