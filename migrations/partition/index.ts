import type { Migration } from "../migrate.ts";
import copies from "./0001_copies.sql";

export const PARTITION_MIGRATIONS: readonly Migration[] = [{ name: "0001_copies", sql: copies }];
