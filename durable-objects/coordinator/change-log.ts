import type { Change } from "../../src/core/coherence/change.ts";
import { CHANGES_WINDOW } from "../../src/core/coherence/lease.ts";
import type { RecentChanges } from "../../src/core/coherence/lease-manager.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";

/** Strong writes remembered at most; more in a minute shorten the window that is told of. */
const MAX_CHANGES = 1_000;

/**
 * The strong writes of the last minute, in SQLite: a partition whose lease had ended hears of them when it comes
 * back. One row written a strong write.
 */
export class ChangeLog implements RecentChanges {
  readonly #sql: NodeStorage["sql"];

  constructor(sql: NodeStorage["sql"]) {
    this.#sql = sql;
  }

  add(changes: readonly Change[], now: number): void {
    for (const { shard, etag, version, uploaded } of changes)
      this.#sql.exec(
        "INSERT INTO strong_changes (at, shard, etag, version, uploaded) VALUES (?, ?, ?, ?, ?)",
        now,
        shard,
        etag ?? null,
        version ?? null,
        uploaded,
      );
    this.#sql.exec(
      "DELETE FROM strong_changes WHERE at < ? OR id <= (SELECT max(id) FROM strong_changes) - ?",
      now - 2 * CHANGES_WINDOW,
      MAX_CHANGES,
    );
  }

  /** The strong writes of the last `window` ms, and how far back this list is complete. */
  since(window: number, now: number): { readonly changes: readonly Change[]; readonly coverage: number } {
    const reach = Math.min(CHANGES_WINDOW, window);
    const rows = this.#sql
      .exec(
        "SELECT at, shard, etag, version, uploaded FROM strong_changes WHERE at >= ? ORDER BY id",
        now - reach,
      )
      .toArray();
    const changes = rows.map((row) => ({
      shard: String(row.shard),
      uploaded: Number(row.uploaded),
      ...(row.etag !== null && { etag: String(row.etag) }),
      ...(row.version !== null && { version: String(row.version) }),
    }));
    const [first] = rows;
    const full = rows.length >= MAX_CHANGES && first !== undefined;
    return { changes, coverage: full ? now - Number(first.at) : reach };
  }
}
