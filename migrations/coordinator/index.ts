import type { Migration } from "../migrate.ts";
import model from "./0001_model.sql";
import coherence from "./0002_coherence.sql";

export const COORDINATOR_MIGRATIONS: readonly Migration[] = [
  { name: "0001_model", sql: model },
  { name: "0002_coherence", sql: coherence },
];
