/** What followed a shard or an event, learned elsewhere. */
export interface SliceRow {
  /** Shard id, or event type when `event` is set. */
  readonly from: string;
  readonly event: boolean;
  /** Times `from` was seen, decayed. */
  readonly count: number;
  readonly to: readonly { readonly shard: string; readonly count: number }[];
}

/** Long-term knowledge handed from the coordinator to a partition. */
export interface Slice {
  readonly version: number;
  readonly rows: readonly SliceRow[];
}
