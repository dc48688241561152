import type { NodeStorage } from "../../src/storage/node-storage.ts";

/** The members in SQLite: known before their lease is granted, so that no restart forgets one. One row a member. */
export class MemberStore {
  readonly #sql: NodeStorage["sql"];

  constructor(sql: NodeStorage["sql"]) {
    this.#sql = sql;
  }

  add(partition: string, region: string, seen: number): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO members (partition, region, seen) VALUES (?, ?, ?)",
      partition,
      region,
      seen,
    );
  }

  remove(partitions: readonly string[]): void {
    for (const partition of partitions) this.#sql.exec("DELETE FROM members WHERE partition = ?", partition);
  }

  list() {
    return this.#sql
      .exec("SELECT partition, region, seen FROM members")
      .toArray()
      .map((row) => ({
        partition: String(row.partition),
        region: String(row.region),
        seen: Number(row.seen),
      }));
  }
}
