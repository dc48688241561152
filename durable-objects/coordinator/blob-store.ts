import { hash32 } from "../../src/core/hash.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";

/** A part of a blob: well under the platform's 2 MB a value. */
const PART_BYTES = 1_048_576;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Named JSON documents in the coordinator's SQLite, in parts, with a checksum: a few rows, never a row a pair. */
export class BlobStore {
  readonly #storage: NodeStorage;

  constructor(storage: NodeStorage) {
    this.#storage = storage;
  }

  /** Replaces a document, all or nothing. */
  save(name: string, document: unknown): void {
    const text = JSON.stringify(document);
    const data = encoder.encode(`${hash32(text)}\n${text}`);
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("DELETE FROM blobs WHERE name = ?", name);
      for (let offset = 0, part = 0; offset < data.length; offset += PART_BYTES, part++)
        this.#storage.sql.exec(
          "INSERT INTO blobs (name, part, data) VALUES (?, ?, ?)",
          name,
          part,
          data.slice(offset, offset + PART_BYTES).buffer,
        );
    });
  }

  /** A document as it was saved; undefined when there is none, `"damaged"` when its checksum does not match. */
  load(name: string): { readonly document: unknown } | "damaged" | undefined {
    const parts = this.#storage.sql
      .exec("SELECT data FROM blobs WHERE name = ? ORDER BY part", name)
      .toArray()
      .map(({ data }) => (data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array()));
    if (parts.length === 0) return undefined;
    const text = parts
      .map((part, index) => decoder.decode(part, { stream: index < parts.length - 1 }))
      .join("");
    const end = text.indexOf("\n");
    const body = text.slice(end + 1);
    if (String(hash32(body)) !== text.slice(0, end)) return "damaged";
    try {
      return { document: JSON.parse(body) };
    } catch {
      return "damaged";
    }
  }
}
