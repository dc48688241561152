import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { MigrationError, migrate } from "../../migrations/migrate.ts";
import { coordinator } from "./support.ts";

const inFreshTables = (run: (storage: DurableObjectStorage) => void): Promise<void> =>
  runInDurableObject(coordinator(), (_object, { storage }) => {
    storage.sql.exec("DROP TABLE IF EXISTS schema_steps; DROP TABLE IF EXISTS notes;");
    run(storage);
  });

const create = { name: "0001_notes", sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)" };
const extend = { name: "0002_author", sql: "ALTER TABLE notes ADD COLUMN author TEXT DEFAULT 'unknown'" };

it("applies each step once, in order, and keeps the data of before", async () => {
  await inFreshTables((storage) => {
    migrate(storage, [create]);
    storage.sql.exec("INSERT INTO notes (text) VALUES ('old')");
    migrate(storage, [create, extend]);
    migrate(storage, [create, extend]);
    expect(storage.sql.exec("SELECT text, author FROM notes").one()).toEqual({
      text: "old",
      author: "unknown",
    });
  });
});

it("refuses a history that was changed, removed or reordered", async () => {
  await inFreshTables((storage) => {
    migrate(storage, [create, extend]);
    for (const history of [[{ ...create, sql: `${create.sql} ` }, extend], [extend, create], [create]])
      expect(() => migrate(storage, history)).toThrow(MigrationError);
  });
});

it("applies nothing when one step fails", async () => {
  await inFreshTables((storage) => {
    expect(() => migrate(storage, [create, { name: "0002_bad", sql: "NOT SQL" }])).toThrow();
    expect(storage.sql.exec("SELECT count(*) AS n FROM sqlite_master WHERE name = 'notes'").one().n).toBe(0);
  });
});
