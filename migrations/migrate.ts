import { hash32 } from "../src/core/hash.ts";
import type { NodeStorage } from "../src/storage/node-storage.ts";

/** One schema step; once shipped neither its name nor its SQL may change. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** An applied step is not the one listed: somebody edited history. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

/**
 * Brings an object's SQLite up to date: applies the steps not applied yet, in order, all or none.
 * `PRAGMA user_version` is not available to objects, hence a table. O(steps) a start.
 * @throws MigrationError when an applied step was changed, removed or reordered.
 */
export function migrate(storage: NodeStorage, migrations: readonly Migration[]): void {
  storage.transactionSync(() => {
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS schema_steps (step INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL)",
    );
    const applied = storage.sql.exec("SELECT name, checksum FROM schema_steps ORDER BY step").toArray();
    applied.forEach((row, index) => {
      const listed = migrations[index];
      if (listed === undefined || listed.name !== row.name || hash32(listed.sql) !== row.checksum)
        throw new MigrationError(
          `schema step ${index + 1} was applied as "${row.name}" and has changed since; add a new step instead`,
        );
    });
    migrations.slice(applied.length).forEach((migration, offset) => {
      storage.sql.exec(migration.sql);
      storage.sql.exec(
        "INSERT INTO schema_steps (step, name, checksum) VALUES (?, ?, ?)",
        applied.length + offset + 1,
        migration.name,
        hash32(migration.sql),
      );
    });
  });
}
