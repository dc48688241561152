/** What an engine asks of its host about a shard. */
export interface EngineHost {
  /** Whether fetching it is known to be vain: it does not exist, or is too large to be held. */
  readonly isVain: (shard: string) => boolean;
  /** Whether another cache than this one's is there for it. */
  readonly isElsewhere: (shard: string) => boolean;
  /** Whether there is a copy of it out of memory, so that fetching it costs no read. */
  readonly isAtHand: (shard: string) => boolean;
}

const never = (): boolean => false;

/** A host that knows nothing special of any shard. */
export const PLAIN_HOST: EngineHost = { isVain: never, isElsewhere: never, isAtHand: never };
