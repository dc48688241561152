import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Migration } from "../../migrations/migrate.ts";
import type { NodeStorage, SqlValue } from "../../src/storage/node-storage.ts";

/** Statements that write rows. */
const WRITES = /^\s*(INSERT|UPDATE|DELETE)\b/i;

/** The disk did not take what was to be written. */
export class DiskError extends Error {
  override readonly name = "DiskError";
}

/** The schema steps of an object's storage, as the files have them. */
export function migrationsOf(object: "partition" | "coordinator"): readonly Migration[] {
  const folder = join(import.meta.dirname, "../../migrations", object);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((file) => ({ name: file.slice(0, -".sql".length), sql: readFileSync(join(folder, file), "utf8") }));
}

/**
 * A Durable Object's storage on real SQLite in memory: it outlives the instances of the object that use it. What one of
 * them writes after its end reaches it no more.
 */
export class SqliteStorage {
  readonly #database = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, StatementSync>();
  readonly #documents = new Map<string, unknown>();
  #isInTransaction = false;
  /** When the object's alarm is due, ms since the epoch; null when none is set. */
  alarmAt: number | null = null;
  /** Hears of each alarm that is set. */
  onAlarm: (at: number) => void = () => undefined;
  /** Whether the transaction, or the single write, that is about to be committed fails: a disk in trouble. */
  failsToCommit: () => boolean = () => false;

  /**
   * The storage as one instance of the object sees it.
   * @param isOver whether the instance has ended.
   * @param settle resolves when what was put unconfirmed is on disk.
   */
  view(isOver: () => boolean, settle: () => Promise<void> = async () => undefined): NodeStorage {
    return {
      sql: { exec: (query, ...bindings) => this.#exec(query, bindings, isOver()) },
      kv: { get: (key) => this.#documents.get(key) },
      transactionSync: (work) => (isOver() ? work() : this.#transaction(work)),
      put: async (key, value) => {
        await settle();
        if (!isOver()) this.#documents.set(key, structuredClone(value));
      },
      setAlarm: async (time) => {
        if (isOver()) return;
        this.alarmAt = time;
        this.onAlarm(time);
      },
    };
  }

  close(): void {
    this.#database.close();
  }

  #exec(query: string, bindings: readonly SqlValue[], isOver: boolean) {
    const rows = isOver ? [] : this.#rows(query, bindings);
    return { toArray: () => rows };
  }

  #rows(query: string, bindings: readonly SqlValue[]): Record<string, SqlValue>[] {
    // A schema step is several statements, which only this takes.
    if (bindings.length === 0 && query.trimEnd().includes(";\n")) {
      this.#database.exec(query);
      return [];
    }
    if (!this.#isInTransaction && WRITES.test(query) && this.failsToCommit())
      throw new DiskError("the rows could not be written");
    const statement = this.#statements.get(query) ?? this.#database.prepare(query);
    this.#statements.set(query, statement);
    const values = bindings.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
    return statement.all(...values).map(toRow);
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec("SAVEPOINT step");
    this.#isInTransaction = true;
    try {
      const result = work();
      if (this.failsToCommit()) throw new DiskError("the transaction could not be committed");
      this.#database.exec("RELEASE step");
      return result;
    } catch (error) {
      this.#database.exec("ROLLBACK TO step; RELEASE step");
      throw error;
    } finally {
      this.#isInTransaction = false;
    }
  }
}

/** A row as objects get it: blobs are ArrayBuffers there. */
const toRow = (row: Record<string, unknown>): Record<string, SqlValue> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? value.slice().buffer : (value as SqlValue),
    ]),
  );
