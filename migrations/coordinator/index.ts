import type { Migration } from "../migrate.ts";
import model from "./0001_model.sql";
import coherence from "./0002_coherence.sql";
import changeVersions from "./0003_change_versions.sql";
import changeLog from "./0004_change_log.sql";

export const COORDINATOR_MIGRATIONS: readonly Migration[] = [
  { name: "0001_model", sql: model },
  { name: "0002_coherence", sql: coherence },
  { name: "0003_change_versions", sql: changeVersions },
  { name: "0004_change_log", sql: changeLog },
];
