import {
  type ByteRange,
  DigestMismatchError,
  type OpenShard,
  type PutOptions,
  type ShardMeta,
  type ShardPage,
  type ShardStore,
  StorageThrottledError,
  StorageUnavailableError,
  type UnchangedShard,
} from "./shard-store.ts";

/** R2's error code for a body that does not have the digest given. */
const BAD_DIGEST = /\(100(37|39)\)|sha-?256|checksum|digest/i;

/** R2's error code for a key that is written or read more often than it takes. */
const THROTTLED = /\(10058\)|too many requests|concurrent request rate/i;

/** Shards in an R2 bucket, each under its id as the key. */
export class R2ShardStore implements ShardStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async get(id: string, range?: ByteRange): Promise<OpenShard | null> {
    const object = await available(this.#bucket.get(id, range === undefined ? {} : { range }));
    return object === null ? null : { meta: toMeta(object), body: object.body };
  }

  async getUnless(id: string, etag: string): Promise<OpenShard | UnchangedShard | null> {
    const object = await available(this.#bucket.get(id, { onlyIf: { etagDoesNotMatch: unquote(etag) } }));
    if (object === null) return null;
    return { meta: toMeta(object), body: "body" in object ? object.body : null };
  }

  async head(id: string): Promise<ShardMeta | null> {
    const object = await available(this.#bucket.head(id));
    return object === null ? null : toMeta(object);
  }

  async put(
    id: string,
    body: ReadableStream | ArrayBuffer | Uint8Array,
    options: PutOptions = {},
  ): Promise<ShardMeta | null> {
    const httpMetadata: R2HTTPMetadata = {};
    if (options.contentType !== undefined) httpMetadata.contentType = options.contentType;
    if (options.contentEncoding !== undefined) httpMetadata.contentEncoding = options.contentEncoding;
    if (options.cacheControl !== undefined) httpMetadata.cacheControl = options.cacheControl;
    const put: R2PutOptions = { httpMetadata };
    if (options.sha256 !== undefined) put.sha256 = options.sha256;
    const conditions = conditionHeaders(options);
    if (conditions !== null) put.onlyIf = conditions;
    try {
      const object = await this.#bucket.put(id, body, put);
      return object === null ? null : toMeta(object);
    } catch (error) {
      if (options.sha256 !== undefined && BAD_DIGEST.test(String(error)))
        throw new DigestMismatchError("the stored bytes do not have the digest given", { cause: error });
      throw unavailable(error);
    }
  }

  async delete(id: string): Promise<void> {
    await available(this.#bucket.delete(id));
  }

  /** The cursor is the last id of the page before: R2's own says nothing of its prefix, and takes anything locally. */
  async list({
    cursor,
    ...options
  }: {
    prefix?: string;
    cursor?: string;
    limit: number;
  }): Promise<ShardPage> {
    const page = await available(
      this.#bucket.list(cursor === undefined ? options : { ...options, startAfter: cursor }),
    );
    return {
      shards: page.objects.map((object) => ({ id: object.key, ...toMeta(object) })),
      cursor: page.truncated ? page.objects.at(-1)?.key : undefined,
    };
  }
}

async function available<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw unavailable(error);
  }
}

const unavailable = (cause: unknown): Error =>
  THROTTLED.test(String(cause))
    ? new StorageThrottledError("the storage takes no more of this shard now", { cause })
    : new StorageUnavailableError("the storage did not answer", { cause });

function toMeta(object: R2Object): ShardMeta {
  const sha256 = object.checksums.sha256;
  return {
    size: object.size,
    etag: object.httpEtag,
    version: object.version,
    uploaded: object.uploaded.getTime(),
    contentType: headerSafe(object.httpMetadata?.contentType),
    contentEncoding: headerSafe(object.httpMetadata?.contentEncoding),
    cacheControl: headerSafe(object.httpMetadata?.cacheControl),
    sha256: sha256 === undefined ? undefined : new Uint8Array(sha256).toBase64(),
  };
}

/** Metadata as a header may carry it; what others stored by other ways may hold line feeds, and is left out then. */
const headerSafe = (value: string | undefined): string | undefined =>
  value !== undefined && /^[\t\x20-\x7e]*$/.test(value) ? value : undefined;

/** R2 reads `*` and lists of ETags from headers only. */
function conditionHeaders(options: PutOptions): Headers | null {
  if (options.ifMatch === undefined && options.ifNoneMatch === undefined) return null;
  const headers = new Headers();
  if (options.ifMatch !== undefined) headers.set("If-Match", options.ifMatch);
  if (options.ifNoneMatch !== undefined) headers.set("If-None-Match", options.ifNoneMatch);
  return headers;
}

const unquote = (etag: string): string => etag.replace(/^"|"$/g, "");
