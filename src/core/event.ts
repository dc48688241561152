import type { EpochMillis } from "./units.ts";

/** Something a user did. Reading a shard is an event of type `read` unless the caller names another. */
export interface ShardEvent {
  readonly type: string;
  /** The shard read, if the event was a read of one. */
  readonly shard?: string;
  /** Pseudonym of the user; never leaves the partition. Empty where the source knows no users. */
  readonly user: string;
  readonly time: EpochMillis;
  readonly dataType?: string;
  readonly region: string;
}
