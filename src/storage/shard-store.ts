/** What is known of a stored shard besides its bytes. */
export interface ShardMeta {
  /** Size of the whole shard in bytes. */
  readonly size: number;
  /** The strong entity tag with its quotes, as HTTP writes it: the same for the same bytes. */
  readonly etag: string;
  /** Names this write alone: the same bytes stored again, perhaps with other headers, are another version. */
  readonly version: string;
  /** When it was stored, ms since the epoch. */
  readonly uploaded: number;
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly cacheControl?: string | undefined;
  /** Base64 of the SHA-256 the writer gave and the storage verified. */
  readonly sha256?: string | undefined;
}

/** A shard opened for reading; its body must be read or cancelled. */
export interface OpenShard {
  readonly meta: ShardMeta;
  readonly body: ReadableStream<Uint8Array>;
}

/** The bytes are those asked about; their headers may have changed since, and are the current ones. */
export interface UnchangedShard {
  readonly meta: ShardMeta;
  readonly body: null;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface PutOptions {
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly cacheControl?: string | undefined;
  /** The SHA-256 the bytes must have, 32 bytes. */
  readonly sha256?: Uint8Array | undefined;
  /** Size of the body in bytes, where it is known: how long a write may take follows from it. */
  readonly size?: number | undefined;
  /** Store only when the shard exists with one of these ETags (`"*"`: when it exists at all). */
  readonly ifMatch?: string | undefined;
  /** Store only when the shard does not exist (`"*"`) or has none of these ETags. */
  readonly ifNoneMatch?: string | undefined;
}

export interface ShardPage {
  readonly shards: readonly (ShardMeta & { readonly id: string })[];
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string | undefined;
}

/** The bytes do not have the digest their writer gave; nothing was stored. */
export class DigestMismatchError extends Error {
  override readonly name = "DigestMismatchError";
}

/** The storage failed or refused for now (slow, throttled); the call may be repeated. */
export class StorageUnavailableError extends Error {
  override readonly name: string = "StorageUnavailableError";
}

/** The storage did not answer in time: what was asked may still happen. */
export class StorageTimeoutError extends StorageUnavailableError {
  override readonly name = "StorageTimeoutError";
}

/** The storage refused because this shard is asked for too often: R2 takes one write a second to a key. */
export class StorageThrottledError extends StorageUnavailableError {
  override readonly name = "StorageThrottledError";
}

/**
 * Durable storage of shards: the truth. Strongly consistent. Every form passes `test/contracts/shard-store.ts`.
 * Calls reject with {@link StorageUnavailableError} when the storage does not answer.
 */
export interface ShardStore {
  /** Opens the whole shard or a range of it; null when there is none. One storage read. */
  get(id: string, range?: ByteRange): Promise<OpenShard | null>;
  /** Opens the shard unless it still has the bytes of this ETag; its metadata comes either way. One storage read. */
  getUnless(id: string, etag: string): Promise<OpenShard | UnchangedShard | null>;
  head(id: string): Promise<ShardMeta | null>;
  /**
   * Stores a shard; null when a condition failed. Atomic: readers see the old bytes or the new.
   * @throws DigestMismatchError when the bytes do not match `sha256`.
   */
  put(
    id: string,
    body: ReadableStream | ArrayBuffer | Uint8Array,
    options?: PutOptions,
  ): Promise<ShardMeta | null>;
  /** Deletes the shard; no error when there is none. */
  delete(id: string): Promise<void>;
  list(options: { prefix?: string; cursor?: string; limit: number }): Promise<ShardPage>;
}
