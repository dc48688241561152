import type { Settings } from "../../src/contract/settings.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Change } from "../../src/core/coherence/change.ts";
import { epochMillis, MINUTE, probability } from "../../src/core/units.ts";
import type { DiskTier } from "./disk-tier.ts";
import type { MemoryTier } from "./memory-tier.ts";
import type { Prefetcher } from "./prefetcher.ts";
import type { WriteBehind } from "./write-behind.ts";

/** How long fetching a pinned shard stays worth it; if it was not fetched by then it is proposed again. */
const WORTH_FOR = MINUTE;

/** What {@link Pins} work with. */
export interface PinsDeps {
  readonly settings: () => Settings;
  readonly memory: MemoryTier;
  readonly disk: Pick<DiskTier, "has">;
  readonly prefetcher: Prefetcher;
  readonly writeBehind: WriteBehind;
  readonly clock: Clock;
}

/** Keeps copies of the shards that the operator pinned: on disk, and until they are there in memory. */
export class Pins {
  readonly #deps: PinsDeps;

  constructor(deps: PinsDeps) {
    this.#deps = deps;
  }

  /** Whether one of these changes may have dropped a pinned copy. */
  isTouchedBy(changes: readonly Change[]): boolean {
    const { pinned } = this.#deps.settings();
    return pinned.length > 0 && changes.some(({ shard }) => pinned.includes(shard));
  }

  /** Fetches those that have gone, and notes those that are not on disk yet; whether there were any. O(pins). */
  keep(): boolean {
    const { settings, memory, disk, prefetcher, writeBehind, clock } = this.#deps;
    const away = settings().pinned.filter((shard) => !disk.has(shard));
    if (away.length === 0) return false;
    writeBehind.earn(away);
    const arrival = epochMillis(clock.now());
    const expires = epochMillis(arrival + WORTH_FOR);
    prefetcher.consider(
      away
        .filter((shard) => memory.peek(shard) === undefined)
        // The operator's word is as good as certainty.
        .map((shard) => ({ shard, probability: probability(1), arrival, expires, reason: "placement" })),
    );
    return true;
  }
}
