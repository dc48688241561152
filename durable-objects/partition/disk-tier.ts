import { z } from "zod";
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
  /** The number of the change log at which it was current. */
  readonly asOf: number;
}

export interface WritableCopy extends DiskCopy {
  readonly id: string;
}

interface Entry {
  /** Number of its row. */
  readonly copy: number;
  readonly size: number;
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
  readonly #digest: Digest;
  /** What is there, the longest unused first. */
  readonly #index = new Map<string, Entry>();
  #capacity: number;
  #used = 0;
  #corrupt = 0;

  constructor(storage: NodeStorage, capacity: number, digest: Digest = sha256) {
    this.#storage = storage;
    this.#digest = digest;
    this.#capacity = capacity;
    this.#loadIndex();
    this.#transaction(() => this.#makeRoom(0));
  }

  get used(): number {
    return this.#used;
  }
  get count(): number {
    return this.#index.size;
  }
  /** Copies that failed their checksum and were dropped. */
  get corrupt(): number {
    return this.#corrupt;
  }

  has(id: string): boolean {
    return this.#index.has(id);
  }

  /** Which version a copy is of; null when there is none, or its row is damaged. One row read. */
  metaOf(id: string): ShardMeta | null {
    const entry = this.#index.get(id);
    if (entry === undefined) return null;
    const [row] = this.#storage.sql.exec("SELECT meta FROM copies WHERE copy = ?", entry.copy).toArray();
    return row === undefined ? null : parseMeta(String(row.meta));
  }

  /** Reads a copy back and checks it; null when there is none or it is damaged, in which case it is dropped. */
  async read(id: string): Promise<DiskCopy | null> {
    const entry = this.#index.get(id);
    if (entry === undefined) return null;
    this.#index.delete(id);
    this.#index.set(id, entry);
    const copy = this.#load(entry.copy);
    if (copy !== null && isEqual(await this.#digest(copy.body), copy.sha256)) return copy;
    // Only if it is still the copy that was read: it may have been replaced during the await.
    if (this.#index.get(id) === entry) {
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
    const fitting = copies.filter(({ body }) => body.byteLength <= this.#capacity && this.#capacity > 0);
    const digests = await Promise.all(fitting.map(({ body }) => this.#digest(body)));
    this.#transaction(() => {
      fitting.forEach((copy, index) => {
        const digest = digests[index];
        if (digest !== undefined && isCurrent(copy)) this.#write(copy, digest);
      });
    });
  }

  /**
   * Drops a copy.
   * @throws what SQL throws: the copy is still known then, so that whoever has to drop it can try again. Were it only out
   * of the index, it would be back after the next loss of memory.
   */
  remove(id: string): void {
    const entry = this.#index.get(id);
    if (entry === undefined) return;
    this.#storage.sql.exec("DELETE FROM chunks WHERE copy = ?", entry.copy);
    this.#storage.sql.exec("DELETE FROM copies WHERE copy = ?", entry.copy);
    this.#index.delete(id);
    this.#used -= entry.size;
  }

  /** Changes the capacity, bytes; 0 turns the tier off. */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#transaction(() => this.#makeRoom(0));
  }

  clear(): void {
    this.#transaction(() => {
      for (const id of [...this.#index.keys()]) this.remove(id);
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
    this.#index.clear();
    this.#used = 0;
    const rows = this.#storage.sql.exec("SELECT copy, shard, size FROM copies ORDER BY copy").toArray();
    for (const row of rows) this.#enter(String(row.shard), Number(row.copy), Number(row.size));
  }

  #enter(id: string, copy: number, size: number): void {
    this.#index.set(id, { copy, size });
    this.#used += size;
  }

  /** Drops what was not used for the longest until a copy of `size` bytes fits. */
  #makeRoom(size: number): void {
    const most = size > 0 ? MAX_COPIES - 1 : MAX_COPIES;
    for (const id of this.#index.keys()) {
      if (this.#used + size <= this.#capacity && this.#index.size <= most) return;
      this.remove(id);
    }
  }

  #load(number: number): (DiskCopy & { sha256: ArrayBuffer }) | null {
    const { sql } = this.#storage;
    const [row] = sql
      .exec("SELECT size, sha256, meta, validated_at, as_of FROM copies WHERE copy = ?", number)
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
    const [validatedAt, asOf] = [Number(row.validated_at), Number(row.as_of)];
    return { meta, body: body.buffer, validatedAt, asOf, sha256: row.sha256 };
  }

  #write(copy: WritableCopy, sha256: ArrayBuffer): void {
    this.remove(copy.id);
    this.#makeRoom(Math.max(1, copy.body.byteLength));
    const { sql } = this.#storage;
    const [row] = sql
      .exec(
        "INSERT INTO copies (shard, size, sha256, meta, validated_at, as_of) VALUES (?, ?, ?, ?, ?, ?) RETURNING copy",
        copy.id,
        copy.body.byteLength,
        sha256,
        JSON.stringify(copy.meta),
        copy.validatedAt,
        copy.asOf,
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
    this.#enter(copy.id, number, copy.body.byteLength);
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
