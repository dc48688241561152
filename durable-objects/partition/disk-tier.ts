import { z } from "zod";
import { Lru } from "../../src/core/cache/lru.ts";
import { bytes } from "../../src/core/units.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";
import type { ShardMeta } from "../../src/storage/shard-store.ts";

/** The platform takes 2 MB a value; 1 MiB leaves room and keeps the number of rows written low. */
export const CHUNK_BYTES = 1_048_576;
/** Copies remembered at most: bounds the index that is kept in memory. */
const MAX_COPIES = 20_000;

const metaSchema = z.object({
  size: z.int().nonnegative(),
  etag: z.string(),
  /** Copies of before versions were kept have none: they differ from any. */
  version: z.string().default(""),
  uploaded: z.number(),
  contentType: z.string().optional(),
  contentEncoding: z.string().optional(),
  cacheControl: z.string().optional(),
  sha256: z.string().optional(),
});

/** A copy read back from SQLite. */
export interface DiskCopy {
  readonly meta: ShardMeta;
  readonly body: ArrayBuffer;
  readonly validatedAt: number;
}

export interface WritableCopy extends DiskCopy {
  readonly id: string;
}

/** Computes the SHA-256 of bytes. */
export type Digest = (data: ArrayBuffer) => Promise<ArrayBuffer>;

const sha256: Digest = (data) => crypto.subtle.digest("SHA-256", data);

/**
 * The partition's SQLite tier: copies that earned it, in chunks, so that they outlive the object's memory. Least
 * recently used goes first. Reads are SQL only; writes happen in batches behind the responses.
 */
export class DiskTier {
  readonly #storage: NodeStorage;
  #policy: Lru;
  readonly #copyNumbers = new Map<string, number>();
  readonly #digest: Digest;
  #enabled: boolean;
  #corrupt = 0;

  constructor(storage: NodeStorage, capacity: number, digest: Digest = sha256) {
    this.#storage = storage;
    this.#digest = digest;
    this.#enabled = capacity > 0;
    this.#policy = new Lru(bytes(Math.max(1, capacity)));
    this.#loadIndex();
  }

  get used(): number {
    return this.#policy.count === 0 ? 0 : this.#policy.used;
  }
  get count(): number {
    return this.#copyNumbers.size;
  }
  /** Copies that failed their checksum and were dropped. */
  get corrupt(): number {
    return this.#corrupt;
  }

  has(id: string): boolean {
    return this.#copyNumbers.has(id);
  }

  /** Reads a copy back and checks it; null when there is none or it is damaged, in which case it is dropped. */
  async read(id: string): Promise<DiskCopy | null> {
    const number = this.#copyNumbers.get(id);
    if (number === undefined) return null;
    this.#policy.access(id);
    const copy = this.#load(number);
    if (copy !== null && isEqual(await this.#digest(copy.body), copy.sha256)) return copy;
    // Only if it is still the copy that was read: it may have been replaced during the await.
    if (this.#copyNumbers.get(id) === number) {
      this.#corrupt++;
      this.remove(id);
    }
    return null;
  }

  /**
   * Writes copies in one transaction: about one row a MiB, and one more each. `isCurrent` is asked right before,
   * since a copy may be invalidated while its digest is computed.
   */
  async write(copies: readonly WritableCopy[], isCurrent: (copy: WritableCopy) => boolean): Promise<void> {
    if (!this.#enabled) return;
    const digests = await Promise.all(copies.map(({ body }) => this.#digest(body)));
    this.#transaction(() => {
      copies.forEach((copy, index) => {
        const digest = digests[index];
        if (digest !== undefined && isCurrent(copy)) this.#write(copy, digest);
      });
    });
  }

  /**
   * Drops a copy; false when there was none.
   * @throws what SQL throws: the copy is still known then, so that whoever has to drop it can try again. Were it only out
   * of the index, it would be back after the next loss of memory.
   */
  remove(id: string): boolean {
    const isGone = this.#delete(id);
    this.#policy.remove(id);
    return isGone;
  }

  resize(capacity: number): void {
    this.#enabled = capacity > 0;
    const evicted = this.#policy.resize(bytes(Math.max(1, capacity)));
    this.#transaction(() => {
      for (const id of evicted) this.#delete(id);
    });
  }

  clear(): void {
    this.#transaction(() => {
      for (const id of [...this.#copyNumbers.keys()]) this.remove(id);
    });
  }

  /** What SQL undoes, the index undoes: it is read anew from what SQL has. */
  #transaction(work: () => void): void {
    try {
      this.#storage.transactionSync(work);
    } catch (error) {
      this.#loadIndex();
      throw error;
    }
  }

  #loadIndex(): void {
    this.#policy = new Lru(this.#policy.capacity);
    this.#copyNumbers.clear();
    const rows = this.#storage.sql.exec("SELECT copy, shard, size FROM copies ORDER BY copy").toArray();
    for (const row of rows) {
      this.#copyNumbers.set(String(row.shard), Number(row.copy));
      this.#admit(String(row.shard), Number(row.size));
    }
  }

  #load(number: number): (DiskCopy & { sha256: ArrayBuffer }) | null {
    const { sql } = this.#storage;
    const [row] = sql
      .exec("SELECT size, sha256, meta, validated_at FROM copies WHERE copy = ?", number)
      .toArray();
    if (row === undefined || !(row.sha256 instanceof ArrayBuffer)) return null;
    const meta = parseMeta(String(row.meta));
    if (meta === null || meta.size !== row.size) return null;
    const body = new Uint8Array(meta.size);
    let offset = 0;
    const chunks = sql.exec("SELECT data FROM chunks WHERE copy = ? ORDER BY position", number).toArray();
    for (const { data } of chunks) {
      if (!(data instanceof ArrayBuffer) || offset + data.byteLength > body.length) return null;
      body.set(new Uint8Array(data), offset);
      offset += data.byteLength;
    }
    if (offset !== body.length) return null;
    return { meta, body: body.buffer, validatedAt: Number(row.validated_at), sha256: row.sha256 };
  }

  #write(copy: WritableCopy, sha256: ArrayBuffer): void {
    this.remove(copy.id);
    if (!this.#admit(copy.id, copy.body.byteLength)) return;
    const { sql } = this.#storage;
    const [row] = sql
      .exec(
        "INSERT INTO copies (shard, size, sha256, meta, validated_at) VALUES (?, ?, ?, ?, ?) RETURNING copy",
        copy.id,
        copy.body.byteLength,
        sha256,
        JSON.stringify(copy.meta),
        copy.validatedAt,
      )
      .toArray();
    const number = Number(row?.copy);
    for (let offset = 0, position = 0; offset < copy.body.byteLength; offset += CHUNK_BYTES, position++)
      sql.exec(
        "INSERT INTO chunks (copy, position, data) VALUES (?, ?, ?)",
        number,
        position,
        copy.body.slice(offset, offset + CHUNK_BYTES),
      );
    this.#copyNumbers.set(copy.id, number);
  }

  #admit(id: string, size: number): boolean {
    const { admitted, evicted } = this.#policy.admit(id, bytes(size));
    for (const gone of evicted) this.#delete(gone);
    if (this.#policy.count > MAX_COPIES) {
      const [oldest] = this.#copyNumbers.keys();
      if (oldest !== undefined) this.remove(oldest);
    }
    return admitted;
  }

  #delete(id: string): boolean {
    const number = this.#copyNumbers.get(id);
    if (number === undefined) return false;
    this.#storage.sql.exec("DELETE FROM chunks WHERE copy = ?", number);
    this.#storage.sql.exec("DELETE FROM copies WHERE copy = ?", number);
    this.#copyNumbers.delete(id);
    return true;
  }
}

function parseMeta(text: string): ShardMeta | null {
  try {
    const parsed = metaSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null; // Not JSON: a damaged row, which the caller drops.
  }
}

function isEqual(a: ArrayBuffer, b: ArrayBuffer): boolean {
  const [given, wanted] = [new Uint8Array(a), new Uint8Array(b)];
  return given.length === wanted.length && given.every((byte, index) => byte === wanted[index]);
}
