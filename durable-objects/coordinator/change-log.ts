import type { Change, LoggedChanges } from "../../src/core/coherence/change.ts";
import { CHANGES_WINDOW } from "../../src/core/coherence/lease.ts";
import type { ChangeLogStore } from "../../src/core/coherence/lease-manager.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";

/**
 * Changes remembered, and so listed in one answer, at most: some hundred kB with ids of usual length, 3 MB at the very
 * most, of the 32 MiB that a call takes. A partition that missed more asks R2 about its copies.
 */
const MAX_CHANGES = 2_000;

/**
 * The log of all changes in SQLite, numbered without gaps: a partition that was not told of one hears of it with its next
 * heartbeat. One row written a change, and one deleted once it is full.
 */
export class ChangeLog implements ChangeLogStore {
  readonly #sql: NodeStorage["sql"];

  /** A log begun anew is above the one before, which had fewer than one change a ms. */
  constructor(sql: NodeStorage["sql"], now: number) {
    this.#sql = sql;
    if (this.#numbers().head === null)
      sql.exec("INSERT INTO changes (number, at, shard, uploaded) VALUES (?, ?, '', 0)", now, now);
  }

  append(changes: readonly Change[], now: number): LoggedChanges {
    const after = this.#head;
    for (const { shard, etag, version, uploaded } of changes)
      this.#sql.exec(
        // The number follows the highest there is.
        "INSERT INTO changes (at, shard, etag, version, uploaded) VALUES (?, ?, ?, ?, ?)",
        now,
        shard,
        etag ?? null,
        version ?? null,
        uploaded,
      );
    const upTo = this.#head;
    this.#sql.exec("DELETE FROM changes WHERE number < ?", upTo - MAX_CHANGES);
    return { after, upTo, changes };
  }

  since(at: number | undefined, now: number): LoggedChanges {
    const { oldest, head } = this.#numbers();
    const isComplete = at !== undefined && at >= Number(oldest) && at <= Number(head);
    const after = isComplete ? at : (this.#lastBefore(now - CHANGES_WINDOW) ?? Number(oldest));
    return { after, upTo: Number(head), changes: this.#list(after) };
  }

  get #head(): number {
    return Number(this.#numbers().head);
  }

  #numbers() {
    const [row] = this.#sql
      .exec("SELECT (SELECT min(number) FROM changes) AS oldest, (SELECT max(number) FROM changes) AS head")
      .toArray();
    return { oldest: row?.oldest ?? null, head: row?.head ?? null };
  }

  /** The last number given before `time`. */
  #lastBefore(time: number): number | null {
    const [row] = this.#sql.exec("SELECT max(number) AS last FROM changes WHERE at < ?", time).toArray();
    return row === undefined || row.last === null ? null : Number(row.last);
  }

  #list(after: number): readonly Change[] {
    return this.#sql
      .exec("SELECT shard, etag, version, uploaded FROM changes WHERE number > ? ORDER BY number", after)
      .toArray()
      .map((row) => ({
        shard: String(row.shard),
        uploaded: Number(row.uploaded),
        ...(row.etag !== null && { etag: String(row.etag) }),
        ...(row.version !== null && { version: String(row.version) }),
      }));
  }
}
