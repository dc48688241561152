import type { Migration } from "../migrate.ts";
import copies from "./0001_copies.sql";
import copiesAsOf from "./0002_copies_as_of.sql";

export const PARTITION_MIGRATIONS: readonly Migration[] = [
  { name: "0001_copies", sql: copies },
  { name: "0002_copies_as_of", sql: copiesAsOf },
];
