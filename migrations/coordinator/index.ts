import type { Migration } from "../migrate.ts";
import model from "./0001_model.sql";

export const COORDINATOR_MIGRATIONS: readonly Migration[] = [{ name: "0001_model", sql: model }];
