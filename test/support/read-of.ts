import type { ReadRequest } from "../../src/contract/partition-protocol.ts";

/** A plain read of a shard by one user of weur, but for what is given. */
export const readOf = (id: string, more: Partial<ReadRequest> = {}): ReadRequest => ({
  id,
  method: "GET",
  user: "ada",
  eventType: "read",
  region: "weur",
  conditions: {},
  bypass: false,
  ...more,
});
