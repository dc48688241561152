import type { DeadLetter } from "../../src/contract/messages.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";

/** Letters kept for people to look at; the oldest go first. */
const MAX_LETTERS = 200;
/** Characters of a letter's body that are kept. */
const MAX_BODY = 2_000;

/** The dead letters in the coordinator's SQLite. */
export class DeadLetters {
  readonly #sql: NodeStorage["sql"];

  constructor(sql: NodeStorage["sql"]) {
    this.#sql = sql;
  }

  record(letters: readonly DeadLetter[], now: number): void {
    for (const { queue, fault, body } of letters)
      this.#sql.exec(
        "INSERT INTO dead_letters (received_at, queue, fault, body) VALUES (?, ?, ?, ?)",
        now,
        queue,
        fault,
        body.slice(0, MAX_BODY),
      );
    this.#sql.exec(
      "DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - ?",
      MAX_LETTERS,
    );
  }

  /** Newest first. */
  list() {
    return this.#sql
      .exec("SELECT received_at, queue, fault, body FROM dead_letters ORDER BY id DESC")
      .toArray()
      .map((row) => ({
        receivedAt: Number(row.received_at),
        queue: String(row.queue),
        fault: String(row.fault),
        body: String(row.body),
      }));
  }
}
