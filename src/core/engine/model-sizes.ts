import type { PredictorSizes } from "../prediction/predictor.ts";
import type { Bytes } from "../units.ts";

/** Share of the model's bytes for the shard table; the successor tables take most of the rest. */
const TABLE_SHARE = 0.245;
/** Rows of the successor tables, and users remembered, per byte of the model; rounded down to a power of two. */
const ROWS_PER_BYTE = 1 / 500;
const USERS_PER_BYTE = 1 / 8_192;
/** Predictions and observations waiting for their outcome. */
const LOG_PER_BYTE = 1 / 1_024;

/** How large the parts of a model of so many bytes may grow; rows, users and logs are powers of two. */
export const modelSizes = (modelBytes: Bytes): PredictorSizes & { readonly tableBytes: number } => ({
  tableBytes: modelBytes * TABLE_SHARE,
  users: powerOfTwo(modelBytes * USERS_PER_BYTE),
  rows: powerOfTwo(modelBytes * ROWS_PER_BYTE),
  log: powerOfTwo(modelBytes * LOG_PER_BYTE),
});

const powerOfTwo = (atMost: number): number => 1 << Math.max(2, Math.floor(Math.log2(atMost)));
